// SPDX-License-Identifier: Apache-2.0

// A CloudEvent as the gateway sends it, and how to read it.

export interface CloudEvent {
  specversion: string;
  id: string;
  source: string;
  type: string;
  subject?: string;
  time?: string;
  project?: string;
  app?: string;
  correlationid?: string;
  causationid?: string;
  sequence?: string | number;
  data?: unknown;
  [attribute: string]: unknown;
}

const prefixes = ["dev.cdeventsx.hydra-", "dev.cdevents."];

/** The short name of a type: "build.started" for "dev.cdevents.build.started.0.3.0". */
export function typeName(type: string): string {
  const prefix = prefixes.find((p) => type.startsWith(p));
  if (!prefix) return type;
  return type.slice(prefix.length).split(".").slice(0, 2).join(".");
}

/** The fields of the payload, wherever in the CDEvent they travel. */
export function payload(event: CloudEvent): Record<string, unknown> {
  const data = event.data;
  if (!isObject(data)) return {};
  const subject = isObject(data.subject) ? data.subject : undefined;
  if (!subject) return data;
  return {
    ...(isObject(subject.content) ? subject.content : {}),
    ...(isObject(data.customData) ? data.customData : {}),
  };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A string field, or undefined when it is missing, empty or no string. */
export function text(fields: Record<string, unknown>, name: string): string | undefined {
  const value = fields[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

export function number(fields: Record<string, unknown>, name: string): number | undefined {
  const value = fields[name];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** How an event is to be coloured. */
export type Tone = "good" | "bad" | "busy" | "plain";

export function tone(event: CloudEvent): Tone {
  const name = typeName(event.type);
  const outcome = text(payload(event), "outcome");
  if (outcome) return outcome === "success" ? "good" : "bad";
  if (/\.(failed|planfailed|deadlettered|detected|rolledback)$/.test(name)) return "bad";
  if (/\.(deployed|upgraded|resolved|verified|published|finished)$/.test(name)) return "good";
  if (/\.(started|queued|requested|planrequested|removalrequested)$/.test(name)) return "busy";
  return "plain";
}

/** One line that says what happened, in the words of the payload. */
export function summary(event: CloudEvent): string {
  const p = payload(event);
  const commit = isObject(p.commit) ? p.commit : {};
  const state = isObject(p.state) ? p.state : p;
  const sha = text(commit, "sha")?.slice(0, 8);
  const revision = number(state, "revision");
  const parts = [
    text(p, "outcome"),
    revision === undefined ? undefined : `revision ${revision}`,
    sha,
    text(commit, "message"),
    typeof p.from === "number" && typeof p.to === "number" ? `${p.from} → ${p.to} replicas` : undefined,
    typeName(event.type) === "workload.measured" && typeof p.requestsPerSecond === "number"
      ? `${p.requestsPerSecond.toFixed(1)} requests/s`
      : undefined,
    text(p, "reason"),
    text(p, "message") ?? text(p, "description"),
    text(p, "strategy"),
  ].filter((part) => part !== undefined);
  return parts.length > 0 ? parts.join(" · ") : (event.subject ?? "");
}

/** Measurements are the one type that comes all the time. */
export function isMeasurement(event: CloudEvent): boolean {
  return typeName(event.type) === "workload.measured";
}
