// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";

import { readLine } from "./log-view";

const message = (event: string, value: unknown) => ({ id: "1", event, data: JSON.stringify(value) });

describe("readLine", () => {
  it("keeps a line as the app wrote it", () => {
    expect(
      readLine(message("line", { time: "2026-05-01T12:00:00Z", pod: "shop-1", text: '{"level":"info"}' })),
    ).toEqual({
      from: "shop-1",
      time: "2026-05-01T12:00:00Z",
      text: '{"level":"info"}',
    });
  });
  it("says how a build ended", () =>
    expect(readLine(message("end", { phase: "failed", reason: "no main" }))?.text).toBe("(failed: no main)"));
  it("says why a stream broke off", () =>
    expect(readLine(message("error", { detail: "JetStream went away" }))?.text).toBe("(JetStream went away)"));
  it("shows nothing of what is no log message", () =>
    expect(readLine({ id: undefined, event: "line", data: "plain" })).toBeUndefined());
});
