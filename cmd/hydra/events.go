// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hydra-platform/hydra/cmd/hydra/api"
	"github.com/hydra-platform/hydra/cmd/hydra/term"
	"github.com/hydra-platform/hydra/events"
)

func (c *cli) eventsCommand() *cobra.Command {
	cmd := noun("events", groupWork, "Watch, read and publish events; show a journey",
		c.eventsTailCommand(), c.eventsListCommand(), c.eventsGetCommand(), c.eventsPublishCommand(), c.eventsTypesCommand(), c.eventsJourneyCommand())
	cmd.Aliases = []string{"event"}
	return cmd
}

func queryFlags(f *pflag.FlagSet, q *api.Query) {
	f.StringSliceVar(&q.Types, "type", nil, "only these types, such as build.finished or build; may be given again")
	f.StringVar(&q.App, "app", "", "only of this app")
	f.StringVar(&q.Correlation, "correlation", "", "only of this journey")
	f.StringVar(&q.Since, "since", "", "from this time, or this long ago, such as 90m")
}

func (c *cli) eventsTailCommand() *cobra.Command {
	var q api.Query
	var first int
	cmd := &cobra.Command{
		Use: "tail", Short: "Show events as they happen", Args: args(cobra.NoArgs),
		Long: `Tail shows each event as it is stored, until Ctrl-C or, with --count, so many. With
--since it begins in the past. When the connection breaks it goes on where it was.`,
		Example: example("hydra events tail", "hydra events tail --app shop --type build,rollout", "hydra events tail --since 1h -o json | jq .type"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithCancel(cmd.Context())
			defer cancel()
			client, project, err := c.inProject(ctx)
			if err != nil {
				return err
			}
			seen := 0
			enough := func(e event.Event) error {
				if err := c.printEventLine(e); err != nil {
					return err
				}
				if seen++; first > 0 && seen >= first {
					return errEnough
				}
				return nil
			}
			if q.Since != "" {
				q.Limit, q.Order = 1000, "asc"
				for more := true; more; {
					past, err := client.Events(ctx, project, q)
					if err != nil {
						return err
					}
					for _, e := range past {
						q.From = sequence(e) + 1
						if err := enough(e); err != nil {
							return done(err)
						}
					}
					more = len(past) == q.Limit
					if more {
						q.Since = ""
					}
				}
				q.Since, q.Limit = "", 0
			}
			return ended(cmd.Context(), done(client.Tail(ctx, project, q, enough)))
		},
	}
	queryFlags(cmd.Flags(), &q)
	cmd.Flags().IntVar(&first, "count", 0, "end after so many events")
	return cmd
}

var errEnough = fmt.Errorf("enough")

func done(err error) error {
	if err == errEnough { //nolint:errorlint // returned as it is
		return nil
	}
	return err
}

func (c *cli) eventsListCommand() *cobra.Command {
	var q api.Query
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List events of the history", Args: args(cobra.NoArgs),
		Long:    "List shows the newest events, oldest of them first. With --since or --from it begins there instead.",
		Example: example("hydra events list --app shop -n 20", "hydra events list --since 24h --until 12h --type incident", "hydra events list --correlation ID -o yaml"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, project, err := c.inProject(cmd.Context())
			if err != nil {
				return err
			}
			newest := q.Since == "" && q.From == 0
			if newest {
				q.Order = "desc"
			}
			found, err := client.Events(cmd.Context(), project, q)
			if err != nil {
				return err
			}
			if newest {
				for i, j := 0, len(found)-1; i < j; i, j = i+1, j-1 {
					found[i], found[j] = found[j], found[i]
				}
			}
			if len(found) == 0 {
				c.print.Line("No event matches")
			}
			rows := make([][]string, len(found))
			for i, e := range found {
				rows[i] = c.eventRow(e)
			}
			return c.print.Print(found, eventColumns, rows)
		},
	}
	queryFlags(cmd.Flags(), &q)
	f := cmd.Flags()
	f.StringVar(&q.Until, "until", "", "before this time, or this long ago")
	f.Uint64Var(&q.From, "from", 0, "first sequence")
	f.IntVarP(&q.Limit, "limit", "n", 50, "most events to show, up to 1000")
	return cmd
}

var eventColumns = term.Columns{Names: []string{"sequence", "time", "event", "app", "about", "summary", "journey", "id"}, Wide: 2}

func (c *cli) eventRow(e event.Event) []string {
	name := shortType(e)
	return []string{
		fmt.Sprint(sequence(e)), e.Time().Local().Format("01-02 15:04:05.000"), c.eventName(name), appOf(e), term.Short(term.Or(e.Subject()), 28),
		term.Short(summary(e), 70), extension(e, "correlationid"), e.ID(),
	}
}

// printEventLine is a row of its own: a tail cannot know how wide the next is.
func (c *cli) printEventLine(e event.Event) error {
	switch c.print.Format {
	case term.JSON:
		return json.NewEncoder(c.out).Encode(e)
	case term.YAML:
		_, err := fmt.Fprintln(c.out, "---")
		if err != nil {
			return err
		}
		return c.print.Print(e, term.Columns{}, nil)
	case term.Wide:
		_, err := fmt.Fprintf(c.out, "%8d %s %-26s %-14s %-28s %s %s\n", sequence(e), c.print.Dim(e.Time().Local().Format("15:04:05.000")),
			c.eventName(shortType(e)), appOf(e), term.Short(term.Or(e.Subject()), 28), c.print.Dim(extension(e, "correlationid")), summary(e))
		return err
	}
	_, err := fmt.Fprintf(c.out, "%s %-26s %-14s %s\n", c.print.Dim(e.Time().Local().Format("15:04:05.000")), c.eventName(shortType(e)), appOf(e), summary(e))
	return err
}

// eventName is padded before it is coloured, because colours have no width.
func (c *cli) eventName(name string) string {
	padded := fmt.Sprintf("%-26s", name)
	switch events.Type("dev.cdevents." + name + ".0.0.0").Verb() {
	case "failed", "planfailed", "detected", "deadlettered", "rolledback":
		return c.print.Bad(padded)
	case "finished", "deployed", "upgraded", "resolved", "verified", "published":
		return c.print.Good(padded)
	}
	return padded
}

func shortType(e event.Event) string {
	if name := events.Type(e.Type()).Name(); name != "." {
		return name
	}
	return e.Type()
}

func extension(e event.Event, name string) string {
	s, _ := e.Extensions()[name].(string)
	return s
}

func appOf(e event.Event) string {
	if app := extension(e, "app"); app != "" && app != events.None {
		return app
	}
	return "-"
}

func sequence(e event.Event) uint64 {
	n, _ := strconv.ParseUint(extension(e, "sequence"), 10, 64)
	return n
}

// summary says in a few words what an event reports, from the members that
// payloads have in common.
func summary(e event.Event) string {
	var d struct {
		Outcome, Reason, Message, Strategy, Name, Description, URL, Image, Provider string
		Revision, From, To, Replicas, Passed, Failed                                int
		Duration                                                                    float64 `json:"durationSeconds"`
		Requests                                                                    float64 `json:"requestsPerSecond"`
		Commit                                                                      *events.Commit
		State                                                                       *events.ServiceState
	}
	_ = events.Decode(e.Data(), &d) // another producer's data may be anything
	var words []string
	add := func(format string, a ...any) { words = append(words, fmt.Sprintf(format, a...)) }
	if d.State != nil {
		add("v%d", d.State.Revision)
		if d.Duration == 0 {
			d.Duration = d.State.Duration
		}
		d.URL = d.State.URL
	}
	if d.Revision > 0 {
		add("v%d", d.Revision)
	}
	if d.Commit != nil && d.Commit.SHA != "" {
		add("%s %s", d.Commit.SHA[:min(9, len(d.Commit.SHA))], term.Short(d.Commit.Message, 40))
	}
	if d.Outcome != "" {
		add("%s", d.Outcome)
	}
	if d.Passed+d.Failed > 0 {
		add("%d passed, %d failed", d.Passed, d.Failed)
	}
	if d.To != d.From {
		add("%d to %d", d.From, d.To)
	}
	if d.Requests > 0 {
		add("%.1f requests/s", d.Requests)
	}
	if d.Reason != "" {
		add("%s", d.Reason)
	}
	if d.Message != "" {
		add("%s", d.Message)
	}
	if d.Description != "" && d.Reason == "" {
		add("%s", d.Description)
	}
	if d.URL != "" {
		add("%s", d.URL)
	}
	if d.Duration > 0 {
		add("in %s", term.Duration(time.Duration(d.Duration*float64(time.Second))))
	}
	return strings.ReplaceAll(strings.Join(words, " · "), "\n", " ")
}

func (c *cli) eventsGetCommand() *cobra.Command {
	return &cobra.Command{
		Use: "get SEQUENCE|ID", Short: "Show one event whole", Args: args(cobra.ExactArgs(1)),
		Example: example("hydra events get 42", "hydra events get 42 -o yaml"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, project, err := c.inProject(cmd.Context())
			if err != nil {
				return err
			}
			e, err := findEvent(cmd.Context(), client, project, args[0])
			if err != nil {
				return err
			}
			if c.print.Format == term.Table || c.print.Format == term.Wide {
				c.print.Format = term.JSON // an event has no shorter whole form
			}
			return c.print.Print(e, term.Columns{}, nil)
		},
	}
}

// findEvent looks by sequence at once, and by id from the newest backwards.
func findEvent(ctx context.Context, client *api.Client, project, which string) (event.Event, error) {
	if n, err := strconv.ParseUint(which, 10, 64); err == nil {
		found, err := client.Events(ctx, project, api.Query{From: n, Limit: 1})
		if err != nil {
			return event.Event{}, err
		}
		if len(found) == 1 && sequence(found[0]) == n {
			return found[0], nil
		}
		return event.Event{}, &notFoundError{fmt.Sprintf("project %s has no event with sequence %s", project, which)}
	}
	for from := uint64(1); ; {
		found, err := client.Events(ctx, project, api.Query{From: from, Limit: 1000, Order: "asc"})
		if err != nil {
			return event.Event{}, err
		}
		for _, e := range found {
			if e.ID() == which {
				return e, nil
			}
			from = sequence(e) + 1
		}
		if len(found) < 1000 {
			return event.Event{}, &notFoundError{fmt.Sprintf("project %s has no event with id %s", project, which)}
		}
	}
}

func (c *cli) eventsPublishCommand() *cobra.Command {
	var file, kind, source, subject, app, data, id string
	cmd := &cobra.Command{
		Use: "publish", Aliases: []string{"send"}, Short: "Publish a CloudEvent of your own", Args: args(cobra.NoArgs),
		Example: example(`hydra events publish --type com.example.order.placed --source /acme/orders --data '{"id": 7}'`, "hydra events publish -f event.json --app shop"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			e := event.New()
			if file != "" {
				text, err := c.readFile(file)
				if err != nil {
					return err
				}
				if err := json.Unmarshal([]byte(text), &e); err != nil {
					return usagef("%s: not a CloudEvent in its JSON format: %s", file, err)
				}
			}
			if err := fillEvent(&e, kind, source, subject, app, data, id); err != nil {
				return err
			}
			client, project, err := c.inProject(cmd.Context())
			if err != nil {
				return err
			}
			p, err := client.Publish(cmd.Context(), project, e)
			if err != nil {
				return err
			}
			if p.Duplicate {
				c.print.Line("Event %s was there already as %s", p.ID, p.Sequence)
			} else {
				c.print.Line("Stored event %s as %s", p.ID, p.Sequence)
			}
			return c.onlyData(p)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&file, "file", "f", "", "CloudEvent in its JSON format; - reads standard input; flags win over it")
	f.StringVar(&kind, "type", "", "type, such as com.example.order.placed")
	f.StringVar(&source, "source", "", "who says it, a URI reference such as /acme/orders")
	f.StringVar(&subject, "subject", "", "what it is about")
	f.StringVar(&app, "app", "", "app to file it under")
	f.StringVar(&data, "data", "", "data, JSON or text")
	f.StringVar(&id, "id", "", "id; publishing one twice stores it once; default a random one")
	return cmd
}

func (c *cli) eventsTypesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "types", Short: "List the types of Hydra's own events", Args: args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			var types []api.Type
			var rows [][]string
			for _, p := range events.Catalog() {
				t := p.EventType()
				types = append(types, api.Type{Name: t.Name(), Type: string(t), Noun: t.Noun(), Verb: t.Verb(), Version: t.Version(), Standard: !t.Custom()})
				standard := "Hydra"
				if !t.Custom() {
					standard = "CDEvents"
				}
				rows = append(rows, []string{t.Name(), standard, string(t), t.NATSFilter()})
			}
			return c.print.Print(types, term.Columns{Names: []string{"name", "defined by", "type", "subject"}, Wide: 1}, rows)
		},
	}
}
