// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/kube"
)

const (
	maxLogPods  = 50        // streams that one request may hold open to the cluster
	maxLogLine  = 256 << 10 // bytes; a longer line is cut
	lookForPods = 2 * time.Second
)

func (s *Service) routeAppLogs() {
	open(s, op("app-logs", http.MethodGet, inApp+"/logs", "signals", "Logs of all pods of an app", anybody,
		describe("Plain text whose lines begin with the pod's name, or server-sent events with `Accept: text/event-stream`: "+
			"event `line` holds {time, pod, container, text}, event `notice` why a pod has no log. With follow, pods that start later are included."),
		streamed(map[string]*huma.Schema{plainText: textSchema("The lines"), eventStream: textSchema("Events line and notice")})), s.appLogs)
}

type appLogsQuery struct {
	AppPath
	Follow    bool   `query:"follow" doc:"Wait for more until the client goes away"`
	Tail      int    `query:"tail" default:"100" minimum:"0" maximum:"10000" doc:"Lines of each pod to begin with"`
	Since     string `query:"since" doc:"Time (RFC 3339) or how long ago, such as 10m, from which lines are wanted"`
	Component string `query:"component" pattern:"^([a-z]([a-z0-9-]{0,61}[a-z0-9])?)?$" doc:"Only pods of this component"`
	Previous  bool   `query:"previous" doc:"Logs of the containers that ran before the last restart"`
}

// podLine is one line of a pod.
type podLine struct {
	Time      time.Time `json:"time,omitzero"`
	Pod       string    `json:"pod"`
	Container string    `json:"container"`
	Text      string    `json:"text"`
}

func (l podLine) String() string { return l.Pod + " " + l.Text }

func (s *Service) appLogs(ctx context.Context, in *appLogsQuery) (*huma.StreamResponse, error) {
	if _, err := s.app(ctx, in.Project, in.App); err != nil {
		return nil, err
	}
	since, err := s.moment("since", in.Since)
	if err != nil {
		return nil, err
	}
	if in.Follow && in.Previous {
		return nil, problem(http.StatusUnprocessableEntity, "follow and previous exclude each other: a container that has ended writes no more")
	}
	if s.deps.Kube == nil {
		return nil, problem(http.StatusServiceUnavailable, "this gateway has no access to a cluster")
	}
	client, err := s.deps.Kube.Get()
	if err != nil {
		return nil, problem(http.StatusServiceUnavailable, "the logs are in the cluster, which cannot be reached: %s", err)
	}
	logs := &podLogs{client: client, in: in, since: since, open: map[string]bool{}}
	bounded, cancel := s.bounded(ctx)
	defer cancel()
	pods, err := logs.pods(bounded)
	if err != nil {
		return nil, problem(http.StatusServiceUnavailable, "the cluster does not list the app's pods: %s", err)
	}
	return s.streaming("app_logs", wantsEvents, func(st *stream) error { return logs.run(st, pods) }), nil
}

// podLogs reads the logs of all pods of one app.
type podLogs struct {
	client *kube.Client
	in     *appLogsQuery
	since  time.Time
	wg     sync.WaitGroup

	mu   sync.Mutex
	open map[string]bool // guarded by mu: containers being read, or read to their end
}

func (l *podLogs) pods(ctx context.Context) ([]corev1.Pod, error) {
	selector := kube.LabelProject + "=" + l.in.Project + "," + kube.LabelApp + "=" + l.in.App
	if l.in.Component != "" {
		selector += "," + kube.LabelComponent + "=" + l.in.Component
	}
	found, err := l.client.Typed.CoreV1().Pods(record.Namespace(l.in.Project)).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found.Items, func(a, b corev1.Pod) int {
		if c := a.CreationTimestamp.Compare(b.CreationTimestamp.Time); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return found.Items, nil
}

func (l *podLogs) run(st *stream, pods []corev1.Pod) error {
	defer l.wg.Wait()
	defer st.cancel() // ends what still reads, before it is waited for
	if !l.in.Follow {
		if len(pods) == 0 {
			st.send("notice", "", podLine{Pod: "-", Text: "no pod of " + l.in.App + " is in the cluster"})
		}
		for _, p := range pods[:min(len(pods), maxLogPods)] {
			for _, c := range p.Spec.Containers {
				l.read(st, p, c.Name)
			}
		}
		return nil
	}
	tick := time.NewTicker(lookForPods)
	defer tick.Stop()
	for {
		for _, p := range pods {
			for _, c := range p.Spec.Containers {
				l.follow(st, p, c.Name)
			}
		}
		select {
		case <-st.ctx.Done():
			return nil
		case <-tick.C:
		}
		var err error
		if pods, err = l.pods(st.ctx); err != nil {
			pods = nil // a restart of the API server: asked again at the next tick
		}
	}
}

// follow reads a container in the background, once for each of its starts.
func (l *podLogs) follow(st *stream, p corev1.Pod, container string) {
	key := fmt.Sprintf("%s/%s/%d", p.UID, container, restarts(p, container))
	if !started(p, container) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[key] || len(l.open) >= maxLogPods*4 {
		return
	}
	l.open[key] = true
	l.wg.Go(func() { l.read(st, p, container) })
}

func (l *podLogs) read(st *stream, p corev1.Pod, container string) {
	opts := &corev1.PodLogOptions{Container: container, Follow: l.in.Follow, Previous: l.in.Previous, Timestamps: true}
	tail := int64(l.in.Tail)
	opts.TailLines = &tail
	if !l.since.IsZero() {
		opts.SinceTime = &metav1.Time{Time: l.since}
	}
	body, err := l.client.Typed.CoreV1().Pods(p.Namespace).GetLogs(p.Name, opts).Stream(st.ctx)
	if err != nil {
		st.send("notice", "", podLine{Pod: p.Name, Container: container, Text: "(no log: " + whyNoLog(p, container, err) + ")"})
		return
	}
	defer func() { _ = body.Close() }()
	reader := bufio.NewReaderSize(body, maxLogLine)
	for st.ctx.Err() == nil {
		text, err := reader.ReadSlice('\n')
		if len(text) > 0 {
			line := podLine{Pod: p.Name, Container: container, Text: strings.TrimRight(string(text), "\r\n")}
			if stamp, rest, ok := strings.Cut(line.Text, " "); ok {
				if at, err := time.Parse(time.RFC3339Nano, stamp); err == nil {
					line.Time, line.Text = at.UTC(), rest
				}
			}
			st.send("line", "", line)
		}
		if errors.Is(err, io.EOF) || (err != nil && !errors.Is(err, bufio.ErrBufferFull)) {
			return
		}
	}
}

func containerStatus(p corev1.Pod, container string) *corev1.ContainerStatus {
	for i := range p.Status.ContainerStatuses {
		if p.Status.ContainerStatuses[i].Name == container {
			return &p.Status.ContainerStatuses[i]
		}
	}
	return nil
}

func restarts(p corev1.Pod, container string) int32 {
	if c := containerStatus(p, container); c != nil {
		return c.RestartCount
	}
	return 0
}

func started(p corev1.Pod, container string) bool {
	c := containerStatus(p, container)
	return c != nil && (c.State.Running != nil || c.State.Terminated != nil)
}

// whyNoLog prefers the pod's own reason, such as ImagePullBackOff.
func whyNoLog(p corev1.Pod, container string, err error) string {
	if c := containerStatus(p, container); c != nil && c.State.Waiting != nil {
		return strings.TrimSpace(c.State.Waiting.Reason + " " + c.State.Waiting.Message)
	}
	return err.Error()
}
