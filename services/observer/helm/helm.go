// SPDX-License-Identifier: Apache-2.0

// Package helm installs and upgrades a release with Helm's SDK.
//
// [Client.Ensure] is level-triggered: it does nothing when the release is what
// was asked for. A release that was left in the middle of an operation, by a
// process that was killed, is taken up again; the caller makes sure that no
// other process works on it at the same time. Nothing of Helm is built before
// the first call.
package helm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// history is how many revisions of a release are kept.
const history = 5

// Client works on the releases of one namespace.
type Client struct {
	config    *rest.Config
	namespace string
}

// New returns a client; nothing is connected.
func New(config *rest.Config, namespace string) *Client {
	return &Client{config: config, namespace: namespace}
}

// Request is what a release shall be.
type Request struct {
	Name    string
	Chart   *chart.Chart
	Values  map[string]any
	Timeout time.Duration // for its objects to become ready
	Force   bool          // apply it although the release says that it is so
}

// Result of [Client.Ensure].
type Result struct {
	Revision int
	Changed  bool   // an operation was done
	Resumed  string // state in which an earlier operation had been left, if one had
}

// Ensure makes the release so and waits until its objects are ready.
func (c *Client) Ensure(ctx context.Context, r Request) (Result, error) {
	var result Result
	cfg, err := c.open(ctx)
	if err != nil {
		return result, err
	}
	want, err := fingerprint(r)
	if err != nil {
		return result, err
	}
	last, err := cfg.Releases.Last(r.Name)
	if errors.Is(err, driver.ErrReleaseNotFound) {
		done, err := c.install(ctx, cfg, r, want)
		return Result{Revision: revision(done), Changed: true}, err
	}
	if err != nil {
		return result, fmt.Errorf("read release %s: %w", r.Name, err)
	}
	result.Revision = last.Version
	if last.Info.Status.IsPending() || last.Info.Status == release.StatusUninstalling {
		result.Resumed = last.Info.Status.String()
		if err := abandon(cfg, last); err != nil {
			return result, err
		}
	}
	if last.Info.Status == release.StatusDeployed && last.Info.Description == want && !r.Force {
		return result, nil
	}
	done, err := c.upgrade(ctx, cfg, r, want)
	result.Changed = true
	if done != nil {
		result.Revision = done.Version
	}
	return result, err
}

// abandon marks an operation that nobody works on any more as failed, so that
// the next may begin: Helm itself refuses for ever.
func abandon(cfg *action.Configuration, r *release.Release) error {
	was := r.Info.Status
	r.SetStatus(release.StatusFailed, "interrupted while "+was.String())
	if err := cfg.Releases.Update(r); err != nil {
		return fmt.Errorf("take up release %s, left %s: %w", r.Name, was, err)
	}
	return nil
}

func (c *Client) install(ctx context.Context, cfg *action.Configuration, r Request, description string) (*release.Release, error) {
	install := action.NewInstall(cfg)
	install.ReleaseName, install.Namespace, install.CreateNamespace = r.Name, c.namespace, true
	install.Wait, install.Timeout, install.Description = true, r.Timeout, description
	done, err := install.RunWithContext(ctx, r.Chart, r.Values)
	if err != nil {
		return done, fmt.Errorf("install release %s: %w", r.Name, err)
	}
	return done, nil
}

func (c *Client) upgrade(ctx context.Context, cfg *action.Configuration, r Request, description string) (*release.Release, error) {
	upgrade := action.NewUpgrade(cfg)
	upgrade.Namespace, upgrade.MaxHistory = c.namespace, history
	upgrade.Wait, upgrade.Timeout, upgrade.Description = true, r.Timeout, description
	done, err := upgrade.RunWithContext(ctx, r.Name, r.Chart, r.Values)
	if err != nil {
		return done, fmt.Errorf("upgrade release %s: %w", r.Name, err)
	}
	return done, nil
}

// Uninstall removes the release and its objects; it is no error that it is
// not there.
func (c *Client) Uninstall(ctx context.Context, name string, timeout time.Duration) error {
	cfg, err := c.open(ctx)
	if err != nil {
		return err
	}
	uninstall := action.NewUninstall(cfg)
	uninstall.IgnoreNotFound, uninstall.Wait, uninstall.Timeout = true, true, timeout
	if _, err := uninstall.Run(name); err != nil {
		return fmt.Errorf("uninstall release %s: %w", name, err)
	}
	return nil
}

func (c *Client) open(ctx context.Context) (*action.Configuration, error) {
	log := zerolog.Ctx(ctx)
	cfg := new(action.Configuration)
	err := cfg.Init(Getter(c.config, c.namespace), c.namespace, "secret", func(format string, v ...any) {
		log.Trace().Str("library", "helm").Msgf(format, v...)
	})
	if err != nil {
		return nil, fmt.Errorf("open Helm in %s: %w", c.namespace, err)
	}
	return cfg, nil
}

func revision(r *release.Release) int {
	if r == nil {
		return 0
	}
	return r.Version
}

// fingerprint is the same for the same chart and values.
func fingerprint(r Request) (string, error) {
	values, err := json.Marshal(r.Values) // keys are sorted
	if err != nil {
		return "", fmt.Errorf("values of release %s: %w", r.Name, err)
	}
	h := sha256.New()
	for _, f := range r.Chart.Raw {
		_, _ = fmt.Fprintf(h, "%s\x00%d\x00", f.Name, len(f.Data))
		_, _ = h.Write(f.Data)
	}
	_, _ = h.Write(values)
	return "hydra " + hex.EncodeToString(h.Sum(nil)[:8]), nil
}

// Getter gives Helm's own functions access to a cluster.
func Getter(config *rest.Config, namespace string) genericclioptions.RESTClientGetter {
	return getter{config, namespace}
}

// getter gives Helm the cluster that the process already has access to,
// instead of letting it look for a kubeconfig of its own.
type getter struct {
	config    *rest.Config
	namespace string
}

func (g getter) ToRESTConfig() (*rest.Config, error) { return rest.CopyConfig(g.config), nil }

func (g getter) ToDiscoveryClient() (discovery.CachedDiscoveryInterface, error) {
	client, err := discovery.NewDiscoveryClientForConfig(g.config)
	if err != nil {
		return nil, err
	}
	return memory.NewMemCacheClient(client), nil
}

func (g getter) ToRESTMapper() (meta.RESTMapper, error) {
	client, err := g.ToDiscoveryClient()
	if err != nil {
		return nil, err
	}
	return restmapper.NewShortcutExpander(restmapper.NewDeferredDiscoveryRESTMapper(client), client, nil), nil
}

func (g getter) ToRawKubeConfigLoader() clientcmd.ClientConfig {
	context := clientcmdapi.Config{
		Contexts:       map[string]*clientcmdapi.Context{"hydra": {Namespace: g.namespace}},
		CurrentContext: "hydra",
	}
	return clientcmd.NewDefaultClientConfig(context, &clientcmd.ConfigOverrides{})
}
