// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";

import { flowEvents, layout } from "./layout";

const list = [
  { name: "change.merged", emittedBy: ["gateway"], consumedBy: ["builder"] },
  { name: "build.finished", emittedBy: ["builder"], consumedBy: [] },
  { name: "artifact.published", emittedBy: ["builder"], consumedBy: ["deployer", "observer", "scaler"] },
];

describe("layout", () => {
  const map = layout(list);

  it("draws one line for each unit that emits or handles an event", () => {
    expect(map.edges.map((e) => [e.unit, e.event])).toEqual([
      ["out gateway", "change.merged"],
      ["in builder", "change.merged"],
      ["out builder", "build.finished"],
      ["out builder", "artifact.published"],
      ["in deployer", "artifact.published"],
      ["in observer", "artifact.published"],
      ["in scaler", "artifact.published"],
    ]);
  });

  it("keeps every box on the map and apart from the others", () => {
    const boxes = [...map.units, ...map.events];
    for (const [i, a] of boxes.entries()) {
      expect(a.x).toBeGreaterThanOrEqual(0);
      expect(a.x + a.width).toBeLessThanOrEqual(map.width);
      expect(a.y + a.height).toBeLessThanOrEqual(map.height);
      for (const b of boxes.slice(i + 1)) {
        const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
        expect(apart, `${a.id} and ${b.id}`).toBe(true);
      }
    }
  });

  it("is empty without events", () => expect(layout([])).toMatchObject({ units: [], events: [], edges: [] }));
});

describe("flowEvents", () => {
  it("turns handlers into events, known ones in their order, others after them", () => {
    const routes = [
      { unit: "builder", in: "change.merged", out: ["build.queued", "com.example.x"] },
      { unit: "gateway", out: ["change.merged"] },
      { unit: "builder", in: "build.requested", out: ["build.queued"] },
    ];
    expect(flowEvents(routes, ["change.merged", "unused.type", "build.queued", "build.requested"])).toEqual([
      { name: "change.merged", emittedBy: ["gateway"], consumedBy: ["builder"] },
      { name: "build.queued", emittedBy: ["builder"], consumedBy: [] },
      { name: "build.requested", emittedBy: [], consumedBy: ["builder"] },
      { name: "com.example.x", emittedBy: ["builder"], consumedBy: [] },
    ]);
  });
});
