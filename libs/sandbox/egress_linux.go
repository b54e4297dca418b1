// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/coreos/go-iptables/iptables"
)

const ipForward = "/proc/sys/net/ipv4/ip_forward"

// switchedOn at the end of a rule's comment says that Hydra enabled forwarding
// on this host and has to disable it again with its last sandbox. The note
// lives in the rule because the rule is what outlives a crash.
const switchedOn = ":forwarding-was-off"

// hostRules are the host's rules of one sandbox.
func hostRules(name string, n Network, note string) [][]string {
	dev, mark := LinkName(name), []string{"-m", "comment", "--comment", comment(name) + note}
	rules := [][]string{
		slices.Concat([]string{"filter", "FORWARD", "-i", dev}, mark, []string{"-j", "ACCEPT"}),
		slices.Concat([]string{"filter", "FORWARD", "-o", dev, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED"}, mark, []string{"-j", "ACCEPT"}),
	}
	for _, src := range append([]netip.Prefix{n.Link}, n.Routes...) {
		rules = append(rules, slices.Concat([]string{"nat", "POSTROUTING", "-s", src.Masked().String(), "!", "-o", dev}, mark, []string{"-j", "MASQUERADE"}))
	}
	return rules
}

func addEgress(name string, n Network) error {
	ipt, err := iptables.New()
	if err != nil {
		return fmt.Errorf("use iptables: %w: install it, or run the sandbox without egress", err)
	}
	if err := removeEgress(name); err != nil {
		return err
	}
	was, err := os.ReadFile(ipForward)
	if err != nil {
		return fmt.Errorf("read whether the host forwards: %w", err)
	}
	others, err := ownRules(ipt, "")
	if err != nil {
		return err
	}
	note := ""
	if strings.TrimSpace(string(was)) == "0" || slices.ContainsFunc(others, func(r rule) bool { return strings.Contains(r.comment, switchedOn) }) {
		note = switchedOn
	}
	for _, r := range hostRules(name, n, note) {
		// First in the chain: Docker and others end FORWARD with a DROP policy.
		if err := ipt.Insert(r[0], r[1], 1, r[2:]...); err != nil {
			return fmt.Errorf("let sandbox %s out: %w", name, err)
		}
	}
	if err := os.WriteFile(ipForward, []byte("1"), 0o644); err != nil { //nolint:gosec // a kernel parameter
		return fmt.Errorf("enable forwarding on the host: %w", err)
	}
	return nil
}

// removeEgress deletes the rules of one sandbox and, with the last sandbox,
// gives the host's forwarding switch back the value it had.
func removeEgress(name string) error {
	ipt, err := iptables.New()
	if err != nil {
		return nil //nolint:nilerr // without iptables there are no rules
	}
	mine, err := ownRules(ipt, name)
	if err != nil || len(mine) == 0 {
		return err
	}
	restore := false
	for _, r := range mine {
		restore = restore || strings.HasSuffix(r.comment, switchedOn)
		if derr := ipt.DeleteIfExists(r.table, r.chain, r.spec...); derr != nil {
			err = errors.Join(err, fmt.Errorf("delete a rule of sandbox %s: %w", name, derr))
		}
	}
	others, oerr := ownRules(ipt, "")
	if err = errors.Join(err, oerr); err != nil || !restore || len(others) > 0 {
		return err
	}
	if err := os.WriteFile(ipForward, []byte("0"), 0o644); err != nil { //nolint:gosec // a kernel parameter
		return fmt.Errorf("disable forwarding on the host again: %w", err)
	}
	return nil
}

type rule struct {
	table, chain, comment string
	spec                  []string
}

// ownRules lists the rules of one sandbox, or of all with an empty name.
func ownRules(ipt *iptables.IPTables, name string) ([]rule, error) {
	var out []rule
	for _, at := range [][2]string{{"filter", "FORWARD"}, {"nat", "POSTROUTING"}} {
		lines, err := ipt.List(at[0], at[1])
		if err != nil {
			return nil, fmt.Errorf("list the host's %s rules: %w", at[1], err)
		}
		for _, line := range lines {
			fields := strings.Fields(line) // our comments have no blanks
			i := slices.Index(fields, "--comment")
			if i < 0 || i+1 >= len(fields) || len(fields) < 2 || fields[0] != "-A" {
				continue
			}
			text := strings.Trim(fields[i+1], `"`)
			owner := strings.TrimSuffix(text, switchedOn)
			if owner != comment(name) && (name != "" || !strings.HasPrefix(owner, comment(""))) {
				continue
			}
			spec := slices.Clone(fields[2:])
			spec[i-2+1] = text
			out = append(out, rule{table: at[0], chain: at[1], comment: text, spec: spec})
		}
	}
	return out, nil
}
