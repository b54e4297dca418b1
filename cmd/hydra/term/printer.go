// SPDX-License-Identifier: Apache-2.0

package term

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	xterm "golang.org/x/term"
	"sigs.k8s.io/yaml"
)

// Format of output.
type Format string

// The formats of -o.
const (
	Table Format = "table"
	Wide  Format = "wide"
	JSON  Format = "json"
	YAML  Format = "yaml"
)

// ParseFormat checks the value of -o.
func ParseFormat(s string) (Format, error) {
	switch f := Format(s); f {
	case Table, Wide, JSON, YAML:
		return f, nil
	}
	return "", fmt.Errorf("output format %q: choose table, wide, json or yaml", s)
}

// Printer writes results to Out.
type Printer struct {
	Out    io.Writer
	Format Format
	Color  bool
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && xterm.IsTerminal(int(f.Fd()))
}

// WantsColor reports whether escape sequences are welcome on w: see
// https://no-color.org.
func WantsColor(w io.Writer) bool {
	return IsTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// Columns of a table; those after Wide are shown with -o wide only.
type Columns struct {
	Names []string
	Wide  int // number of columns at the end that are for -o wide only
}

// Print writes value as JSON or YAML, or the rows as a table.
func (p *Printer) Print(value any, columns Columns, rows [][]string) error {
	switch p.Format {
	case JSON:
		e := json.NewEncoder(p.Out)
		e.SetIndent("", "  ")
		return e.Encode(value)
	case YAML:
		data, err := yaml.Marshal(value)
		if err != nil {
			return fmt.Errorf("write yaml: %w", err)
		}
		_, err = p.Out.Write(data)
		return err
	}
	p.table(columns, rows)
	return nil
}

func (p *Printer) table(columns Columns, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	shown := len(columns.Names)
	if p.Format != Wide {
		shown -= columns.Wide
	}
	t := table.NewWriter()
	t.SetOutputMirror(p.Out)
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "   "
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	header := table.Row{}
	for _, name := range columns.Names[:shown] {
		header = append(header, p.Dim(strings.ToUpper(name)))
	}
	t.AppendHeader(header)
	for _, row := range rows {
		cells := table.Row{}
		for _, cell := range row[:min(shown, len(row))] {
			cells = append(cells, cell)
		}
		t.AppendRow(cells)
	}
	t.Render()
}

// Line writes one line of text; nothing with JSON or YAML, which stay parsable.
func (p *Printer) Line(format string, args ...any) {
	if p.Format == JSON || p.Format == YAML {
		return
	}
	_, _ = fmt.Fprintf(p.Out, format+"\n", args...)
}

func (p *Printer) paint(s string, c ...text.Color) string {
	if !p.Color || s == "" {
		return s
	}
	// go-pretty switches colours off by itself where it sees no terminal;
	// whether there is one was decided by our caller.
	text.EnableColors()
	return text.Colors(c).Sprint(s)
}

// Good, Bad, Busy and Dim colour a word by what it means.
func (p *Printer) Good(s string) string { return p.paint(s, text.FgGreen) }

// Bad is for what failed.
func (p *Printer) Bad(s string) string { return p.paint(s, text.FgRed) }

// Busy is for what is under way.
func (p *Printer) Busy(s string) string { return p.paint(s, text.FgYellow) }

// Dim is for what is less important.
func (p *Printer) Dim(s string) string { return p.paint(s, text.Faint) }

// Bold is for what is looked for.
func (p *Printer) Bold(s string) string { return p.paint(s, text.Bold) }

// State colours the name of a state.
func (p *Printer) State(s string) string {
	switch s {
	case "ready", "healthy", "succeeded", "success", "ok", "OK", "true":
		return p.Good(s)
	case "failed", "failure", "error", "degraded", "FAIL", "false", "stopped":
		return p.Bad(s)
	case "":
		return p.Dim("-")
	}
	return p.Busy(s)
}

// Or is s, or a dash where it is empty.
func Or(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// Duration with two figures that matter: 340ms, 4.2s, 3m12s, 2h5m.
func Duration(d time.Duration) string {
	switch {
	case d < 0:
		return "-"
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// Age is how long ago t was.
func Age(now, t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	d := now.Sub(t)
	if d < time.Minute {
		return fmt.Sprintf("%ds", max(0, int(d.Seconds())))
	}
	return Duration(d)
}

// Bytes in MiB or GiB.
func Bytes(n int64) string {
	switch {
	case n <= 0:
		return "-"
	case n < 1<<30:
		return fmt.Sprintf("%d MiB", (n+1<<19)>>20)
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}

// Short cuts a string to n runes.
func Short(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
