module github.com/hydra-platform/hydra/tools/build

go 1.26.8
