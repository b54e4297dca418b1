// SPDX-License-Identifier: Apache-2.0

// The journey of one commit, computed from nothing but its events: what
// happened when, how long each stage took, where it ended and why.

import { type CloudEvent, isObject, number, payload, text, type Tone, tone, typeName } from "../api/event";
import { instant } from "../format/format";

export const stages = ["received", "queue", "build", "test", "deploy", "healthy"] as const;
export type Stage = (typeof stages)[number];

export type Outcome = "accepted" | "running" | "succeeded" | "failed" | "rolledback";

/** One line of the waterfall: a span of time, or a moment when `end` is `start`. */
export interface Step {
  id: string;
  stage: Stage;
  label: string;
  start: number; // ms since the journey began
  end: number; // ms since the journey began; of an unfinished span: now
  open: boolean; // begun and not finished
  tone: Tone;
  reason?: string;
  /** The events that begin and end it, in that order. */
  events: CloudEvent[];
}

export interface Journey {
  correlation: string;
  app: string;
  begin: number; // ms since the epoch
  total: number; // ms until the outcome was known, or until now
  outcome: Outcome;
  reason?: string;
  sha?: string;
  message?: string;
  author?: string;
  branch?: string;
  repository?: string;
  revision?: number;
  url?: string;
  steps: Step[];
}

interface Shape {
  stage: Stage;
  label: string;
  /** Types that end the span this type begins; none: a moment. */
  until?: readonly string[];
}

const settled: readonly string[] = [
  "service.deployed",
  "service.upgraded",
  "rollout.failed",
  "service.rolledback",
  "service.removed",
];

// In the order in which a journey meets them. A type that is not here is shown
// as a moment, so that nothing is hidden.
const shapes: Readonly<Record<string, Shape>> = {
  "change.merged": { stage: "received", label: "push received", until: ["build.queued", "build.started"] },
  "application.requested": { stage: "received", label: "application requested" },
  "application.removalrequested": { stage: "received", label: "removal requested", until: ["service.removed"] },
  "scaling.requested": { stage: "received", label: "scaling requested", until: ["workload.scaled"] },
  "build.requested": { stage: "received", label: "build requested", until: ["build.queued", "build.started"] },
  "rollback.requested": {
    stage: "received",
    label: "rollback requested",
    until: ["rollout.started", "service.rolledback"],
  },
  "build.queued": { stage: "queue", label: "waiting for a builder", until: ["build.started", "build.finished"] },
  "build.started": { stage: "build", label: "build", until: ["build.finished"] },
  "testsuiterun.started": { stage: "test", label: "tests", until: ["testsuiterun.finished"] },
  "artifact.published": { stage: "build", label: "image published" },
  "rollout.started": { stage: "deploy", label: "roll-out", until: settled.slice(0, 4) },
  "service.deployed": { stage: "healthy", label: "healthy, taking traffic" },
  "service.upgraded": { stage: "healthy", label: "healthy, taking traffic" },
  "service.rolledback": { stage: "healthy", label: "rolled back" },
  "service.removed": { stage: "healthy", label: "nothing of it is left" },
  "workload.scaled": { stage: "healthy", label: "scaled" },
  "incident.detected": { stage: "healthy", label: "incident", until: ["incident.resolved"] },
};

interface Timed {
  event: CloudEvent;
  name: string;
  at: number;
  fields: Record<string, unknown>;
}

/**
 * Computes a journey. Events may come in any order and more than once; events
 * without a time are left out. Returns undefined when nothing is left.
 */
export function computeJourney(events: readonly CloudEvent[], now: number): Journey | undefined {
  const timed = inOrder(events);
  const first = timed[0];
  const last = timed.at(-1);
  if (!first || !last) return undefined;

  const steps: Step[] = [];
  const used = new Set<Timed>();
  for (const [index, begin] of timed.entries()) {
    if (used.has(begin)) continue;
    used.add(begin);
    const shape = shapes[begin.name];
    const end = shape?.until && timed.slice(index + 1).find((e) => !used.has(e) && ends(begin, e, shape));
    // What ends a span has a line of its own only where it is a stage itself.
    if (end && !shapes[end.name]) used.add(end);
    steps.push(step(begin, end, shape, first.at, now));
  }

  const outcome = outcomeOf(timed);
  const told = new Set<string>();
  for (const s of steps) {
    // One reason travels through several events; it is told once.
    const { reason } = s;
    if (reason !== undefined && [...told].some((t) => t.includes(reason))) delete s.reason;
    else if (reason !== undefined) told.add(reason);
    // Once the journey is over nothing in it still runs, whatever got lost.
    if (outcome !== "running" && s.open) Object.assign(s, { open: false, end: s.start });
  }
  const over = timed.findLast((e) => settles(e))?.at ?? last.at;
  const failure =
    timed.findLast((e) => e.name === "rollout.failed") ??
    timed.findLast((e) => tone(e.event) === "bad" && reasonOf(e.fields) !== undefined);
  const commit = timed.map((e) => e.fields.commit).find(isObject) ?? {};
  const service = timed.map((e) => e.fields.state).findLast(isObject) ?? {};
  // A roll-back names the revision that serves again; the journey was about the other.
  const revision =
    timed.map((e) => number(e.fields, "revision")).findLast((r) => r !== undefined) ?? number(service, "revision");
  return {
    correlation: first.event.correlationid ?? first.event.id,
    app: timed.map((e) => e.event.app).find((app) => app !== undefined && app !== "_") ?? "",
    begin: first.at,
    total: (outcome === "running" ? Math.max(now, last.at) : over) - first.at,
    outcome,
    ...optional("reason", outcome === "succeeded" || !failure ? undefined : reasonOf(failure.fields)),
    ...optional("sha", text(commit, "sha")),
    ...optional("message", text(commit, "message")),
    ...optional("author", text(commit, "author")),
    ...optional("branch", text(commit, "branch")),
    ...optional("repository", text(commit, "repository")),
    ...optional("url", text(service, "url")),
    ...optional("revision", revision),
    steps: steps.sort((a, b) => stages.indexOf(a.stage) - stages.indexOf(b.stage) || a.start - b.start),
  };
}

/** Time spent in each stage: the length of the union of its spans. */
export function stageDurations(journey: Journey): Record<Stage, number> {
  const totals = Object.fromEntries(stages.map((stage) => [stage, 0])) as Record<Stage, number>;
  for (const stage of stages) {
    let covered = -Infinity;
    for (const { start, end } of journey.steps.filter((s) => s.stage === stage).sort((a, b) => a.start - b.start)) {
      totals[stage] += Math.max(0, end - Math.max(start, covered));
      covered = Math.max(covered, end);
    }
  }
  return totals;
}

function inOrder(events: readonly CloudEvent[]): Timed[] {
  const seen = new Set<string>();
  const timed: Timed[] = [];
  for (const event of events) {
    const at = instant(event.time);
    const key = `${event.source} ${event.id}`;
    if (at === undefined || seen.has(key)) continue;
    seen.add(key);
    timed.push({ event, at, name: typeName(event.type), fields: payload(event) });
  }
  // Events of one millisecond keep the order of the stream.
  return timed.sort((a, b) => a.at - b.at || Number(a.event.sequence ?? 0) - Number(b.event.sequence ?? 0));
}

function ends(begin: Timed, end: Timed, shape: Shape): boolean {
  if (!shape.until?.includes(end.name) || (begin.event.app ?? "") !== (end.event.app ?? "")) return false;
  const identity = ["buildId", "runId", "incidentId", "revision"] as const;
  const state = isObject(end.fields.state) ? end.fields.state : end.fields;
  return identity.every((name) => {
    const a = begin.fields[name];
    const b = state[name] ?? end.fields[name];
    return a === undefined || b === undefined || a === b;
  });
}

function step(begin: Timed, end: Timed | undefined, shape: Shape | undefined, zero: number, now: number): Step {
  const open = shape?.until !== undefined && !end;
  const closing = end ?? begin;
  const waits = shape?.stage === "received" || shape?.stage === "queue";
  return {
    id: begin.event.id,
    stage: shape?.stage ?? stageOf(begin.name),
    label: shape?.label ?? begin.name,
    start: begin.at - zero,
    end: (open ? Math.max(now, begin.at) : closing.at) - zero,
    open,
    tone: open
      ? "busy"
      : waits
        ? "plain"
        : asked(closing)
          ? "good"
          : begin.name === "incident.detected"
            ? "bad"
            : tone(closing.event),
    ...optional(
      "reason",
      tone(closing.event) === "bad" && !waits && !asked(closing) ? reasonOf(closing.fields) : undefined,
    ),
    events: end ? [begin.event, end.event] : [begin.event],
  };
}

/** A roll-back that a person asked for is no failure. */
function asked(e: Timed): boolean {
  return e.name === "service.rolledback" && e.fields.automatic === false;
}

function stageOf(name: string): Stage {
  if (name.startsWith("build.") || name.startsWith("artifact.")) return "build";
  if (name.startsWith("testsuiterun.")) return "test";
  if (name.startsWith("rollout.")) return "deploy";
  if (/^(change|project|webhook|application)\./.test(name)) return "received";
  return "healthy";
}

function settles(e: Timed): boolean {
  return settled.includes(e.name) || failedBuild(e);
}

function failedBuild(e: Timed): boolean {
  return e.name === "build.finished" && text(e.fields, "outcome") !== "success";
}

function outcomeOf(timed: readonly Timed[]): Outcome {
  const last = timed.findLast((e) => settles(e));
  if (!last) {
    // Some journeys are about less than a commit.
    if (timed[0]?.name === "scaling.requested")
      return timed.some((e) => e.name === "workload.scaled") ? "succeeded" : "running";
    return timed.every((e) => e.name === "application.requested") ? "accepted" : "running";
  }
  // Going back because a person asked for it is a success.
  if (last.name === "service.rolledback") return last.fields.automatic === false ? "succeeded" : "rolledback";
  return tone(last.event) === "bad" ? "failed" : "succeeded";
}

/** "CrashLoopBackOff: the container exits with code 1". */
function reasonOf(fields: Record<string, unknown>): string | undefined {
  const reason = text(fields, "reason");
  const message = text(fields, "message") ?? text(fields, "description");
  if (reason && message) return message.startsWith(reason) ? message : `${reason}: ${message}`;
  return reason ?? message;
}

function optional<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, V>);
}
