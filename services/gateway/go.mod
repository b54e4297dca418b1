module github.com/hydra-platform/hydra/services/gateway

go 1.26.8

require (
	github.com/danielgtaylor/huma/v2 v2.37.2
	github.com/go-playground/webhooks/v6 v6.4.0
	github.com/hydra-platform/hydra/events v0.0.0
	github.com/hydra-platform/hydra/libs v0.0.0
	github.com/standard-webhooks/standard-webhooks/libraries v0.0.0-20250711233419-a173a6c0125c
)

replace (
	github.com/hydra-platform/hydra/events => ../../events
	github.com/hydra-platform/hydra/libs => ../../libs
)
