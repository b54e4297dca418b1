// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hydra-platform/hydra/cmd/hydra/api"
	"github.com/hydra-platform/hydra/cmd/hydra/term"
)

func (c *cli) eventsJourneyCommand() *cobra.Command {
	var app string
	cmd := &cobra.Command{
		Use: "journey [CORRELATION|latest]", Short: "Show what followed from a push or a request, with durations", Args: args(cobra.MaximumNArgs(1)),
		Long:    "Without an argument the newest journeys are listed. A journey is named by the id of the event that began it.",
		Example: example("hydra events journey", "hydra events journey --app shop latest", "hydra events journey Zb3vQ0..."),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, project, err := c.inProject(cmd.Context())
			if err != nil {
				return err
			}
			which := ""
			if len(args) > 0 {
				which = args[0]
			}
			if which == "" || which == "latest" {
				journeys, err := client.Journeys(cmd.Context(), project, app)
				if err != nil {
					return err
				}
				if which == "" {
					return c.printJourneys(journeys)
				}
				for _, j := range journeys { // applying an app is a journey, but not one to look at
					if j.Trigger != "application.requested" || which == "" {
						which = j.Correlation
						break
					}
				}
				if which == "latest" {
					return &notFoundError{"there is no journey yet: push a commit, or start one with `hydra deploy APP`"}
				}
			}
			j, err := client.Journey(cmd.Context(), project, which)
			if err != nil {
				return err
			}
			if c.print.Format == term.JSON || c.print.Format == term.YAML {
				return c.print.Print(j, term.Columns{}, nil)
			}
			c.printJourney(untilNow(j, time.Now()))
			return nil
		},
	}
	cmd.Flags().StringVar(&app, "app", "", "only of this app")
	return cmd
}

func (c *cli) printJourneys(journeys []api.Journey) error {
	if len(journeys) == 0 {
		c.print.Line("There is no journey yet: push a commit, or start one with `hydra deploy APP`")
	}
	rows := make([][]string, len(journeys))
	for i, j := range journeys {
		rows[i] = []string{
			j.Correlation, j.App, c.print.State(j.Status), j.Trigger, term.Short(term.Or(j.SHA), 9), term.Short(term.Or(j.Title), 40),
			term.Duration(seconds(j.Duration)), term.Age(time.Now(), j.StartedAt), term.Or(j.By), term.Short(term.Or(j.Reason), 60),
		}
	}
	return c.print.Print(journeys, term.Columns{Names: []string{"journey", "app", "status", "began with", "commit", "title", "took", "age", "by", "reason"}, Wide: 2}, rows)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// untilNow lets what still runs last until now, rather than until the newest
// event, which may be a while ago.
func untilNow(j api.Journey, now time.Time) api.Journey {
	if j.Status != "running" {
		return j
	}
	j.Duration = max(j.Duration, now.Sub(j.StartedAt).Seconds())
	for i, s := range j.Stages {
		if s.Status == "running" {
			j.Stages[i].Duration = max(0, j.Duration-s.Start)
		}
	}
	return j
}

const barWidth = 44

// printJourney draws the stages as bars on one time line, then every step.
func (c *cli) printJourney(j api.Journey) {
	title := j.Title
	if j.SHA != "" {
		title = strings.TrimSpace(j.SHA[:min(9, len(j.SHA))] + " " + title)
	}
	c.print.Line("%s  %s  %s  after %s", c.print.Bold(j.App), title, c.print.State(j.Status), term.Duration(seconds(j.Duration)))
	if j.By != "" {
		c.print.Line("by %s, %s", j.By, j.StartedAt.Local().Format("2006-01-02 15:04:05"))
	}
	if j.Reason != "" {
		c.print.Line("%s", c.print.Bad(j.Reason))
	}
	if j.URL != "" {
		c.print.Line("%s", j.URL)
	}
	if len(j.Stages) > 0 {
		c.print.Line("")
	}
	whole := j.Duration
	for _, s := range j.Stages {
		whole = max(whole, s.Start+s.Duration)
	}
	for _, s := range j.Stages {
		c.print.Line("  %-9s %8s  %s", s.Name, term.Duration(seconds(s.Duration)), c.bar(s, whole))
	}
	c.print.Line("")
	for _, s := range j.Steps {
		took := ""
		if s.Duration > 0 {
			took = term.Duration(seconds(s.Duration))
		}
		mark := c.print.Good("●")
		switch s.Status {
		case "failed", "rolledback":
			mark = c.print.Bad("●")
		case "running", "accepted":
			mark = c.print.Busy("○")
		}
		line := fmt.Sprintf("  +%-9s %s %-26s %-8s %s", term.Duration(seconds(s.Offset)), mark, s.Event, took, s.Reason)
		c.print.Line("%s", strings.TrimRight(strings.ReplaceAll(line, "\n", " "), " "))
	}
}

// bar places a stage on the journey's time line; a short one is still seen.
func (c *cli) bar(s api.Stage, whole float64) string {
	if whole <= 0 {
		whole = 1
	}
	begin := min(int(s.Start/whole*barWidth), barWidth-1)
	length := max(1, min(int(s.Duration/whole*barWidth+0.5), barWidth-begin))
	text := strings.Repeat("█", length)
	switch s.Status {
	case "failed":
		text = c.print.Bad(text)
	case "running":
		text = c.print.Busy(text)
	default:
		text = c.print.Good(text)
	}
	return c.print.Dim(strings.Repeat("·", begin)) + text + c.print.Dim(strings.Repeat("·", barWidth-begin-length))
}
