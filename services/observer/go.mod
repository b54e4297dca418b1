module github.com/hydra-platform/hydra/services/observer

go 1.26.8

require (
	github.com/hydra-platform/hydra/events v0.0.0
	github.com/hydra-platform/hydra/libs v0.0.0
)

replace (
	github.com/hydra-platform/hydra/events => ../../events
	github.com/hydra-platform/hydra/libs => ../../libs
)
