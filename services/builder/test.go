// SPDX-License-Identifier: Apache-2.0

package builder

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/services/builder/buildkit"
	"github.com/hydra-platform/hydra/services/builder/detect"
	"github.com/hydra-platform/hydra/services/builder/goapp"
	"github.com/hydra-platform/hydra/services/builder/gotest"
)

// test runs the app's tests: the stage of the Dockerfile that is called test,
// else those of the Go module, else none.
func (s *Service) test(ctx context.Context, b *build) error {
	var job buildkit.Job
	report := "" // directory that gets the file with what go test printed
	switch {
	case b.plan.Strategy == detect.Dockerfile && b.plan.TestStage:
		job = s.dockerfileJob(b)
		job.Target = "test"
	case b.plan.Module != nil && b.plan.Module.Tests:
		var err error
		if job, err = s.goJob(b); err != nil {
			return err
		}
		report = filepath.Join(b.dir, "report")
		job.Target, job.OutputDir = goapp.Report, report
	default:
		b.log.Printf("no tests: no stage named test in a Dockerfile, and no _test.go files of a Go module")
		return nil
	}
	if err := s.change(ctx, &b.rec, func(r *record.Build) { r.Phase = record.Testing }); err != nil {
		return err
	}
	err := s.emit(ctx, &b.rec, events.TestSuiteRunStarted{
		Environment: events.Reference{ID: "build"}, TestSuite: suite(b.rec), RunID: runID(b.rec), BuildID: b.rec.ID,
	})
	if err != nil {
		return err
	}
	began := time.Now()
	var counts gotest.Report
	job.Line = func(l buildkit.Line) {
		if l.Output {
			text, show := counts.Line(l.Text)
			if !show {
				return
			}
			l.Text = text
		}
		b.log.Line(l)
	}
	result, err := s.solver.Solve(ctx, job)
	if err == nil && result.Cached && report != "" {
		// The tests passed before on the very same files; what they printed
		// then tells how many there are.
		counts, err = readReport(filepath.Join(report, goapp.ReportFile))
		b.log.Printf("the tests passed before on the same files")
	}
	if err != nil && ctx.Err() == nil && !errors.As(err, new(*buildkit.StepError)) {
		return err // BuildKit is away: not an outcome of the tests
	}
	if err != nil && errors.Is(context.Cause(ctx), context.Canceled) {
		return err // the builder stops
	}
	return s.tested(context.WithoutCancel(ctx), b, &counts, err, began)
}

// tested stores and tells the outcome of the tests.
func (s *Service) tested(ctx context.Context, b *build, counts *gotest.Report, err error, began time.Time) error {
	tests := &record.Tests{Outcome: events.Success, Passed: counts.Passed, Failed: counts.Failed, Skipped: counts.Skipped}
	var fail error
	if err != nil {
		tests.Outcome = events.Failure
		fail = failure{testReason(counts, err)}
		if counts.Failed == 0 {
			tests.Outcome = events.Errored
		}
	}
	b.log.Printf("tests: %s, %d passed, %d failed, %d skipped", tests.Outcome, tests.Passed, tests.Failed, tests.Skipped)
	if err := s.change(ctx, &b.rec, func(r *record.Build) { r.Tests, r.Phase = tests, record.Running }); err != nil {
		return err
	}
	told := b.rec
	if fail != nil {
		told.Reason = b.hide.Replace(fail.Error())
	}
	if err := s.emit(ctx, &b.rec, suiteFinished(told, began)); err != nil {
		return err
	}
	return fail
}

func testReason(counts *gotest.Report, err error) string {
	if summary := counts.Summary(maxReason); summary != "" {
		return "tests failed: " + summary
	}
	return "the tests could not be run: " + reasonOf(err)
}

func readReport(name string) (gotest.Report, error) {
	var r gotest.Report
	file, err := os.Open(name)
	if err != nil {
		return r, fmt.Errorf("read the test report: %w", err)
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadString('\n')
		r.Line(strings.TrimRight(line, "\n"))
		if err != nil {
			return r, nil //nolint:nilerr // the end of the file
		}
	}
}
