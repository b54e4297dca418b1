// SPDX-License-Identifier: Apache-2.0

import type { Tone } from "../api/event";

const tones: Readonly<Record<string, Tone>> = {
  healthy: "good",
  succeeded: "good",
  success: "good",
  ready: "good",
  running: "busy",
  deploying: "busy",
  testing: "busy",
  queued: "busy",
  starting: "busy",
  restarting: "busy",
  waiting: "plain",
  accepted: "plain",
  pending: "plain",
  superseded: "plain",
  stopped: "plain",
  external: "plain",
  degraded: "bad",
  failed: "bad",
  failure: "bad",
  error: "bad",
  rolledback: "bad",
  removing: "busy",
};

const words: Readonly<Record<string, string>> = { rolledback: "rolled back" };

/** The state of a thing as a dot and a word. */
export function State({ of, tone, label }: { of: string; tone?: Tone; label?: string }) {
  return (
    <span className="state" data-tone={tone ?? tones[of.toLowerCase()] ?? "plain"}>
      {label ?? words[of] ?? of}
    </span>
  );
}
