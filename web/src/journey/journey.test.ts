// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";

import type { CloudEvent } from "../api/event";
import { computeJourney, stageDurations } from "./journey";

const begin = Date.parse("2026-05-01T12:00:00Z");
const commit = { sha: "4f2a9c1d8e", message: "cart: add a total", author: "someone", branch: "main" };

let sequence = 0;

/** An event `at` ms after the push. Standard CDEvents carry their fields in customData. */
function event(at: number, name: string, fields: Record<string, unknown> = {}): CloudEvent {
  const custom = /^(rollout|workload|scaling|rollback|application)/.test(name);
  sequence++;
  return {
    specversion: "1.0",
    id: `${name}-${at}`,
    source: "/hydra/test",
    type: custom ? `dev.cdeventsx.hydra-${name}.0.1.0` : `dev.cdevents.${name}.0.3.0`,
    time: new Date(begin + at).toISOString(),
    project: "acme",
    app: "shop",
    correlationid: "c1",
    sequence: String(sequence),
    data: { subject: { id: "x", content: custom ? fields : {} }, ...(custom ? {} : { customData: fields }) },
  };
}

const built = () => [
  event(0, "change.merged", { commit }),
  event(40, "build.queued", { buildId: "b1", commit }),
  event(300, "build.started", { buildId: "b1", commit, strategy: "go" }),
  event(5_000, "testsuiterun.started", { runId: "t1", buildId: "b1" }),
  event(7_500, "testsuiterun.finished", { runId: "t1", buildId: "b1", outcome: "success" }),
  event(8_000, "artifact.published", { buildId: "b1" }),
  event(8_010, "build.finished", { buildId: "b1", outcome: "success" }),
  event(8_100, "rollout.started", { revision: 2, buildId: "b1", cause: "build" }),
];

describe("a journey that ends well", () => {
  const events = [
    ...built(),
    event(11_000, "service.upgraded", { state: { name: "shop", revision: 2, url: "http://shop.acme.localhost:7080" } }),
  ];
  const journey = computeJourney(events, begin + 99_000);

  it("lasts from the push until the app is healthy", () => {
    expect(journey).toMatchObject({
      correlation: "c1", app: "shop", begin, total: 11_000, outcome: "succeeded", revision: 2,
      sha: commit.sha, message: commit.message, url: "http://shop.acme.localhost:7080",
    }); // prettier-ignore
    expect(journey?.reason).toBeUndefined();
  });

  it("has a line for each stage with offset and end", () => {
    expect(journey?.steps.map((s) => [s.stage, s.label, s.start, s.end, s.tone])).toEqual([
      ["received", "push received", 0, 40, "plain"],
      ["queue", "waiting for a builder", 40, 300, "plain"],
      ["build", "build", 300, 8_010, "good"],
      ["build", "image published", 8_000, 8_000, "good"],
      ["test", "tests", 5_000, 7_500, "good"],
      ["deploy", "roll-out", 8_100, 11_000, "good"],
      ["healthy", "healthy, taking traffic", 11_000, 11_000, "good"],
    ]);
  });

  it("adds up each stage without counting overlaps twice", () => {
    expect(journey && stageDurations(journey)).toEqual({
      received: 40,
      queue: 260,
      build: 7_710,
      test: 2_500,
      deploy: 2_900,
      healthy: 0,
    });
  });

  it("is the same whatever the order and however often events arrive", () => {
    expect(computeJourney([...events].reverse().concat(events), begin + 99_000)).toEqual(journey);
  });
});

it("is running until something settles it", () => {
  const journey = computeJourney(built(), begin + 9_000);
  expect(journey).toMatchObject({ outcome: "running", total: 9_000 });
  expect(journey?.steps.find((s) => s.label === "roll-out")).toMatchObject({
    start: 8_100,
    end: 9_000,
    open: true,
    tone: "busy",
  });
});

it("ends with the reason when a build fails", () => {
  const journey = computeJourney(
    [
      ...built().slice(0, 3),
      event(2_000, "build.finished", { buildId: "b1", outcome: "failure", reason: "main.go:7: undefined: prnt" }),
    ],
    begin + 99_000,
  );
  expect(journey).toMatchObject({ outcome: "failed", total: 2_000, reason: "main.go:7: undefined: prnt" });
  expect(journey?.steps.at(-1)).toMatchObject({
    stage: "build",
    tone: "bad",
    open: false,
    reason: "main.go:7: undefined: prnt",
  });
});

it("tells a roll-back from a failure and keeps the pod's own reason", () => {
  const journey = computeJourney(
    [
      ...built(),
      event(20_000, "rollout.failed", { revision: 2, reason: "CrashLoopBackOff", message: "exit code 1" }),
      event(21_000, "service.rolledback", {
        state: { name: "shop", revision: 1 },
        fromRevision: 2,
        reason: "CrashLoopBackOff",
        automatic: true,
      }),
    ],
    begin + 99_000,
  );
  expect(journey).toMatchObject({
    outcome: "rolledback",
    total: 21_000,
    revision: 2,
    reason: "CrashLoopBackOff: exit code 1",
  });
  expect(journey?.steps.filter((s) => s.reason)).toHaveLength(1); // told once
  expect(journey?.steps.find((s) => s.label === "roll-out")).toMatchObject({
    tone: "bad",
    end: 20_000,
    reason: "CrashLoopBackOff: exit code 1",
  });
});

it("counts a roll-back that a person asked for as a success", () => {
  const journey = computeJourney(
    [
      event(0, "rollback.requested", { name: "shop", by: "admin" }),
      event(20, "rollout.started", { revision: 3, cause: "rollback" }),
      event(900, "service.rolledback", {
        state: { name: "shop", revision: 3 },
        fromRevision: 2,
        reason: "requested",
        automatic: false,
      }),
    ],
    begin + 99_000,
  );
  expect(journey).toMatchObject({ outcome: "succeeded", total: 900 });
  expect(journey?.reason).toBeUndefined();
  expect(journey?.steps.map((s) => s.tone)).not.toContain("bad");
});

it.each([
  ["application.requested", [event(0, "application.requested")], "accepted"],
  ["scaling.requested", [event(0, "scaling.requested")], "running"],
  ["workload.scaled", [event(0, "scaling.requested"), event(50, "workload.scaled", { from: 1, to: 3 })], "succeeded"],
  ["service.removed", [event(0, "application.removalrequested"), event(50, "service.removed")], "succeeded"],
])("knows journeys about less than a commit: %s", (_, events, outcome) => {
  expect(computeJourney(events, begin + 99_000)?.outcome).toBe(outcome);
});

it("does not end a span with the event of another revision or app", () => {
  const other = { ...event(9_000, "service.upgraded", { state: { name: "shop", revision: 1 } }), id: "other" };
  const foreign = { ...event(9_500, "service.deployed", { state: { name: "cart", revision: 2 } }), app: "cart" };
  const journey = computeJourney([...built(), other, foreign], begin + 10_000);
  expect(journey?.steps.find((s) => s.label === "roll-out")?.events).toHaveLength(1);
});

it("shows types it does not know and leaves out what has no time", () => {
  const { time, ...timeless } = event(5, "build.queued");
  expect(time).toBeDefined();
  expect(computeJourney([timeless], begin)).toBeUndefined();
  expect(computeJourney([event(0, "change.merged"), { ...event(9, "x"), type: "com.example.scan.done" }], begin)?.steps.at(-1)).toMatchObject({
    label: "com.example.scan.done", stage: "healthy", start: 9, end: 9, tone: "plain",
  }); // prettier-ignore
});
