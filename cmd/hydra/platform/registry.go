// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem" // the driver is known by name only
	"github.com/sirupsen/logrus"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/hydra-platform/hydra/libs/sandbox"
	"github.com/hydra-platform/hydra/libs/supervise"
)

// registry is Hydra's own OCI registry. It has no passwords: who reaches it is
// decided by where it listens.
type registry struct {
	port    int
	dir     string
	handler http.Handler
	servers sync.WaitGroup
}

// registryAddr is the address in the names of images.
func (p *Platform) registryAddr() string {
	if p.opts.Registry != "" {
		return p.opts.Registry
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.ports.Registry))
}

func (p *Platform) registryPart() supervise.Part {
	return supervise.Part{
		Name: "registry",
		Run: func(ctx context.Context) error {
			r := p.registry
			// The library writes to logrus' standard logger and offers no other way.
			logrus.SetOutput(p.partLog("registry"))
			logrus.SetLevel(logrus.WarnLevel)
			cfg := &configuration.Configuration{Storage: configuration.Storage{
				"filesystem":  {"rootdirectory": r.dir, "maxthreads": 64},
				"delete":      {"enabled": true},
				"maintenance": {"uploadpurging": map[any]any{"enabled": true, "age": "168h", "interval": "24h", "dryrun": false}},
			}}
			cfg.Log.Level = "warn"
			cfg.HTTP.Secret = p.natsPassword // signs upload state, which has to survive a restart
			cfg.Log.AccessLog.Disabled = true
			cfg.Validation.Disabled = true
			app := handlers.NewApp(ctx, cfg)
			defer func() { _ = app.Shutdown() }()
			r.handler = app
			l, err := net.Listen("tcp", p.registryAddr())
			if err != nil {
				return supervise.Permanent(fmt.Errorf("listen for the registry: %w: stop what uses the port, or choose another with --port-base", err))
			}
			ctx, cancel := context.WithCancelCause(ctx)
			defer cancel(nil)
			if p.hasNode() {
				r.servers.Go(func() { p.serveNode(ctx) })
			}
			r.servers.Go(func() { cancel(serve(ctx, l, app)) })
			<-ctx.Done()
			r.servers.Wait()
			return context.Cause(ctx)
		},
		Ready: func(ctx context.Context) error { return get(ctx, "http://"+p.registryAddr()+"/v2/") },
	}
}

// serveNode lets the node pull, from the moment its link exists. Pods come with
// addresses of their own and are turned away; what runs in the node's own
// network may read.
func (p *Platform) serveNode(ctx context.Context) {
	readOnly := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method != http.MethodGet && req.Method != http.MethodHead {
			http.Error(w, "this side of the registry is for pulling only", http.StatusMethodNotAllowed)
			return
		}
		p.registry.handler.ServeHTTP(w, req)
	})
	p.listenForNode(ctx, p.ports.Registry, 32, readOnly)
}

// listenForNode serves on the host's end of the node's link, from the moment it
// is there, to peers of the range of that length around the node's address. The
// address survives a restart of the node, and with it the listener.
func (p *Platform) listenForNode(ctx context.Context, port, bits int, h http.Handler) {
	for ctx.Err() == nil {
		link, ok := p.nodeLink()
		if !ok {
			pause(ctx, 20*time.Millisecond)
			continue
		}
		l, err := net.Listen("tcp", net.JoinHostPort(link.Addr().String(), strconv.Itoa(port)))
		if err != nil {
			pause(ctx, 100*time.Millisecond)
			continue
		}
		peers := netip.PrefixFrom(link.Addr().Next(), bits).Masked()
		if err := serve(ctx, &fenced{Listener: l, from: peers}, h); err != nil {
			p.log.Warn().Err(err).Msg("serving the node")
		}
	}
}

// nodeLink is the host's address on the link to the node.
func (p *Platform) nodeLink() (netip.Prefix, bool) {
	return linkAddr(sandbox.LinkName(p.dir.nodeSandbox()))
}

// serveSandbox lets a sandbox reach the registry at the same address as the
// host does: on its own 127.0.0.1. It ends with ctx.
func (p *Platform) serveSandbox(ctx context.Context, pid int) error {
	l, err := listenInside(pid, net.JoinHostPort("127.0.0.1", strconv.Itoa(p.ports.Registry)))
	if err != nil {
		return fmt.Errorf("show the registry in the sandbox: %w", err)
	}
	p.registry.servers.Go(func() {
		if err := serve(ctx, l, p.registry.handler); err != nil {
			p.log.Warn().Err(err).Msg("registry for BuildKit")
		}
	})
	return nil
}

// listenInside opens a listener in the network namespace of a process. A
// socket stays in the namespace in which it was made.
func listenInside(pid int, addr string) (net.Listener, error) {
	type result struct {
		l   net.Listener
		err error
	}
	done := make(chan result, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread, which may be in the wrong namespace, ends with the goroutine
		target, err := netns.GetFromPid(pid)
		if err != nil {
			done <- result{err: fmt.Errorf("open the network namespace of process %d: %w", pid, err)}
			return
		}
		defer func() { _ = target.Close() }()
		if err := netns.Set(target); err != nil {
			done <- result{err: fmt.Errorf("enter the network namespace of process %d: %w", pid, err)}
			return
		}
		// lo may not be up yet.
		lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
			return errors.Join(c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_FREEBIND, 1) }), err)
		}}
		l, err := lc.Listen(context.Background(), "tcp4", addr)
		done <- result{l, err}
	}()
	r := <-done
	return r.l, r.err
}

// linkAddr is the IPv4 address of one of this machine's interfaces.
func linkAddr(name string) (netip.Prefix, bool) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return netip.Prefix{}, false
	}
	addrs, err := i.Addrs()
	if err != nil {
		return netip.Prefix{}, false
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

// fenced accepts connections from one range only.
type fenced struct {
	net.Listener
	from netip.Prefix
}

// Accept closes what comes from elsewhere without a word.
func (f *fenced) Accept() (net.Conn, error) {
	for {
		c, err := f.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if peer, err := netip.ParseAddrPort(c.RemoteAddr().String()); err == nil && f.from.Contains(peer.Addr().Unmap()) {
			return c, nil
		}
		_ = c.Close()
	}
}

// serve answers on a listener until ctx ends.
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
	if err := srv.Serve(l); err != nil && ctx.Err() == nil {
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// get fails unless the address answers with a 2xx.
func get(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	_ = res.Body.Close()
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s answers %s", url, res.Status)
	}
	return nil
}
