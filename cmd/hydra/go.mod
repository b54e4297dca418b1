module github.com/hydra-platform/hydra/cmd/hydra

go 1.26.8

require (
	github.com/distribution/distribution/v3 v3.1.2
	github.com/google/go-containerregistry v0.22.1
	github.com/hydra-platform/hydra/events v0.0.0
	github.com/hydra-platform/hydra/libs v0.0.0
	github.com/jedib0t/go-pretty/v6 v6.6.8
	github.com/rogpeppe/go-internal v1.14.1
	github.com/spf13/cobra v1.10.2
	github.com/tmaxmax/go-sse v0.11.0
)

replace (
	github.com/hydra-platform/hydra/events => ../../events
	github.com/hydra-platform/hydra/libs => ../../libs
)
