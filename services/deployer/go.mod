module github.com/hydra-platform/hydra/services/deployer

go 1.26.0

require (
	github.com/hydra-platform/hydra/events v0.0.0
	github.com/hydra-platform/hydra/libs v0.0.0
	github.com/nats-io/nats.go v1.55.0
	github.com/rs/zerolog v1.35.1
	github.com/stretchr/testify v1.12.1
	go.yaml.in/yaml/v3 v3.0.5
	k8s.io/api v0.37.2
	k8s.io/apimachinery v0.37.2
	k8s.io/client-go v0.37.2
	sigs.k8s.io/gateway-api v1.4.0
	sigs.k8s.io/yaml v1.6.0
)

replace (
	github.com/hydra-platform/hydra/events => ../../events
	github.com/hydra-platform/hydra/libs => ../../libs
)
