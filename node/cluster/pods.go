// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"
	internalapi "k8s.io/cri-api/pkg/apis"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	cri "k8s.io/cri-client/pkg"
)

const (
	podGrace   = 3 * time.Second // what a container has between SIGTERM and SIGKILL when the node stops
	drainLimit = 5 * time.Second // what stopping all of them may take
)

// drainPods waits until the node stops and then stops the pods. It is a part
// between containerd and the kubelet: at stop its turn comes when the kubelet,
// which would start them again, has ended, and before containerd does.
func drainPods(ctx context.Context) error {
	<-ctx.Done()
	log := zerolog.Ctx(ctx)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainLimit)
	defer cancel()
	runtime, err := cri.NewRemoteRuntimeService(ctx, "unix://"+containerdSocket, time.Second, nil, false)
	if err != nil {
		return fmt.Errorf("stop pods: %w", err)
	}
	defer func() { _ = runtime.Close(ctx) }()
	running := &runtimeapi.ContainerFilter{State: &runtimeapi.ContainerStateValue{State: runtimeapi.ContainerState_CONTAINER_RUNNING}}
	containers, err := runtime.ListContainers(ctx, running)
	if err != nil {
		return fmt.Errorf("stop pods: %w", err)
	}
	var wg sync.WaitGroup
	for _, c := range containers {
		wg.Go(func() {
			if err := runtime.StopContainer(ctx, c.GetId(), int64(podGrace.Seconds())); err != nil {
				log.Warn().Err(err).Str("container", c.GetMetadata().GetName()).Msg("stop container")
			}
		})
	}
	wg.Wait()
	return stopSandboxes(ctx, runtime)
}

func stopSandboxes(ctx context.Context, runtime internalapi.RuntimeService) error {
	ready := &runtimeapi.PodSandboxFilter{State: &runtimeapi.PodSandboxStateValue{State: runtimeapi.PodSandboxState_SANDBOX_READY}}
	sandboxes, err := runtime.ListPodSandbox(ctx, ready)
	if err != nil {
		return fmt.Errorf("stop pods: %w", err)
	}
	var wg sync.WaitGroup
	for _, s := range sandboxes {
		wg.Go(func() {
			if err := runtime.StopPodSandbox(ctx, s.GetId()); err != nil {
				zerolog.Ctx(ctx).Warn().Err(err).Str("pod", s.GetMetadata().GetName()).Msg("stop pod")
			}
		})
	}
	wg.Wait()
	return nil
}
