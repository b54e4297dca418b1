module github.com/hydra-platform/hydra/events

go 1.26.0
