// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/hydra-platform/hydra/libs/sandbox"
)

// blockBits is the size of an instance's block. Its first half is for pods, the
// next quarter for services, and the link to the host is in the last.
const blockBits = 20

// hostMark in a mirror's address stands for the host as seen from the node.
const hostMark = "{host}"

// runDir is in memory inside the sandbox, so what lies there is fresh at each
// start: the containers it describes have died with the last sandbox.
const runDir = "/run/hydra"

// layout is where everything of one cluster is.
type layout struct {
	Config
	pods, services netip.Prefix
	network        sandbox.Network
}

// newLayout completes cfg: it chooses the block at the first start and finds it
// again later, because the service range of a cluster cannot change.
func newLayout(ctx context.Context, cfg Config) (layout, error) {
	if err := os.MkdirAll(cfg.DataDir, 0o711); err != nil { //nolint:gosec // pods that do not run as root pass through it
		return layout{}, fmt.Errorf("make the data directory: %w", err)
	}
	path := filepath.Join(cfg.DataDir, "block.json")
	var saved netip.Prefix
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return layout{}, fmt.Errorf("read the address block: %w", err)
	default:
		if err := json.Unmarshal(data, &saved); err != nil {
			return layout{}, fmt.Errorf("read the address block %s: %w", path, err)
		}
	}
	switch {
	case saved.IsValid() && cfg.Block.IsValid() && saved != cfg.Block.Masked():
		return layout{}, fmt.Errorf("block %s: the cluster in %s was made with %s: use that, or another dataDir", cfg.Block, cfg.DataDir, saved)
	case saved.IsValid():
		cfg.Block = saved
	case !cfg.Block.IsValid():
		if cfg.Block, err = sandbox.Allocate(ctx, cfg.Base, blockBits, cfg.Instance+"\x00"+cfg.DataDir); err != nil {
			return layout{}, fmt.Errorf("choose an address block: %w", err)
		}
	}
	cfg.Block = cfg.Block.Masked()
	if data, err = json.Marshal(cfg.Block); err != nil {
		return layout{}, fmt.Errorf("save the address block: %w", err)
	}
	if err := writeFile(path, data, 0o644); err != nil {
		return layout{}, err
	}
	return layoutOf(cfg), nil
}

func layoutOf(cfg Config) layout {
	l := layout{Config: cfg, pods: part(cfg.Block, 0, 21), services: part(cfg.Block, 2048, 22)}
	l.network = sandbox.Network{
		Link: part(cfg.Block, 3072, 30), Routes: []netip.Prefix{l.pods, l.services}, Egress: cfg.Egress,
	}
	return l
}

// part is the range of the given length that starts offset addresses into block.
func part(block netip.Prefix, offset uint32, bits int) netip.Prefix {
	var addr [4]byte
	binary.BigEndian.PutUint32(addr[:], binary.BigEndian.Uint32(block.Addr().AsSlice())+offset)
	return netip.PrefixFrom(netip.AddrFrom4(addr), bits)
}

// nodeIP is the node's address; the API server, the kubelet, DNS and metrics
// listen on it.
func (l layout) nodeIP() netip.Addr { return l.network.Addr() }

// serviceIP is the n-th address of the service range.
func (l layout) serviceIP(n uint32) netip.Addr { return part(l.services, n, 32).Addr() }

func (l layout) apiURL() string { return fmt.Sprintf("https://%s:%d", l.nodeIP(), portAPI) }

// path is a file or directory below the data directory.
func (l layout) path(elem ...string) string {
	return filepath.Join(append([]string{l.DataDir}, elem...)...)
}

// cgroup is the name of the instance's cgroup, directly below each root.
func (l layout) cgroup() string { return "hydra-" + l.Instance }

// sandboxName is the name of the instance's sandbox.
func (l layout) sandboxName() string { return l.Instance + "-node" }

// Ports on the node's address, all inside the sandbox.
const (
	portAPI        = 6443
	portKubelet    = 10250
	portMetrics    = 10251
	portDNS        = 53
	portEtcd       = 2379  // 127.0.0.1 and mutual TLS, as are the next ones' health checks
	portEtcdPeer   = 2380  // 127.0.0.1
	portManager    = 10257 // 127.0.0.1
	portScheduler  = 10259 // 127.0.0.1
	portProxy      = 10256 // 127.0.0.1
	portKubeletOK  = 10248 // 127.0.0.1
	portDNSHealth  = 8053  // 127.0.0.1
	portProxyStats = 10249 // 127.0.0.1
)

// writeFile replaces a file as a whole, so that a crash leaves the old one.
func writeFile(path string, data []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // the files in it carry their own modes
		return fmt.Errorf("make directory: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Chmod(mode), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
