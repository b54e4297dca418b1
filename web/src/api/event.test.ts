// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";

import { type CloudEvent, payload, summary, tone, typeName } from "./event";

function event(type: string, data: unknown): CloudEvent {
  return { specversion: "1.0", id: "1", source: "/s", type, subject: "v3", data };
}

describe("typeName", () => {
  it.each([
    ["dev.cdevents.build.started.0.3.0", "build.started"],
    ["dev.cdeventsx.hydra-scaling.decided.0.1.0", "scaling.decided"],
    ["com.example.thing", "com.example.thing"],
  ])("shortens %s to %s", (type, want) => expect(typeName(type)).toBe(want));
});

describe("payload", () => {
  it("joins content and customData", () => {
    expect(
      payload(event("t", { subject: { content: { outcome: "success" } }, customData: { buildId: "b1" } })),
    ).toEqual({
      outcome: "success",
      buildId: "b1",
    });
  });
  it("takes the data of a foreign event as it is", () => expect(payload(event("t", { a: 1 }))).toEqual({ a: 1 }));
  it.each([[undefined], [null], ["text"], [[1]]])("has no fields in %s", (data) =>
    expect(payload(event("t", data))).toEqual({}),
  );
});

describe("tone and summary", () => {
  it("follows the outcome before the verb", () => {
    const failed = event("dev.cdevents.build.finished.0.3.0", {
      subject: { content: {} },
      customData: { outcome: "failure", reason: "no main" },
    });
    expect(tone(failed)).toBe("bad");
    expect(summary(failed)).toBe("failure · no main");
  });
  it("says what a scaling decision changed", () => {
    const decided = event("dev.cdeventsx.hydra-scaling.decided.0.1.0", {
      subject: { content: { from: 1, to: 3, reason: "130 requests/s" } },
    });
    expect(summary(decided)).toBe("1 → 3 replicas · 130 requests/s");
  });
  it("falls back to the subject", () => expect(summary(event("com.example.x", undefined))).toBe("v3"));
});
