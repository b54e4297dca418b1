// SPDX-License-Identifier: Apache-2.0

// Where everything is on the map of events: who emits at the left, the events
// in the middle in the order of a journey, who handles them at the right.

export interface FlowEvent {
  name: string;
  emittedBy: readonly string[];
  consumedBy: readonly string[];
}

/** A handler of a unit, or, without `in`, what the unit emits by itself. */
export interface Route {
  unit: string;
  in?: string;
  out: readonly string[];
}

/** Who emits and who handles each event, in the order of `types`. */
export function flowEvents(routes: readonly Route[], types: readonly string[]): FlowEvent[] {
  const used = new Set(routes.flatMap((r) => (r.in ? [r.in, ...r.out] : r.out)));
  const names = [...types.filter((t) => used.has(t)), ...[...used].filter((t) => !types.includes(t)).sort()];
  const units = (matches: (r: Route) => boolean) => [...new Set(routes.filter(matches).map((r) => r.unit))];
  return names.map((name) => ({
    name,
    emittedBy: units((r) => r.out.includes(name)),
    consumedBy: units((r) => r.in === name),
  }));
}

export interface Box {
  id: string; // unique on the map: side and name
  name: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Edge {
  unit: string; // id of the unit's box
  event: string; // name of the event
  path: string;
}

export interface Layout {
  width: number;
  height: number;
  units: Box[];
  events: Box[];
  edges: Edge[];
}

const rowHeight = 30;
const eventBox = { x: 370, width: 220, height: 24 };
const unitBox = { width: 130, height: 40, gap: 16 };
const width = 960;
const top = 40; // room for the headings

/** Places events and units so that lines are short and boxes never overlap. */
export function layout(list: readonly FlowEvent[]): Layout {
  const events = list.map((e, i) => ({ id: e.name, name: e.name, ...eventBox, y: top + i * rowHeight }));
  const center = new Map(events.map((box) => [box.name, box.y + box.height / 2]));
  const left = column("out", 10, list, (e) => e.emittedBy, center);
  const right = column("in", width - unitBox.width - 10, list, (e) => e.consumedBy, center);
  const edges: Edge[] = [];
  for (const e of list) {
    const y = center.get(e.name) ?? 0;
    for (const box of left.filter((b) => e.emittedBy.includes(b.name))) {
      edges.push({
        unit: box.id,
        event: e.name,
        path: curve(box.x + box.width, box.y + box.height / 2, eventBox.x, y),
      });
    }
    for (const box of right.filter((b) => e.consumedBy.includes(b.name))) {
      edges.push({
        unit: box.id,
        event: e.name,
        path: curve(eventBox.x + eventBox.width, y, box.x, box.y + box.height / 2),
      });
    }
  }
  const units = [...left, ...right];
  return { width, height: Math.max(0, ...[...units, ...events].map((b) => b.y + b.height)) + 12, units, events, edges };
}

function column(
  side: string,
  x: number,
  list: readonly FlowEvent[],
  unitsOf: (e: FlowEvent) => readonly string[],
  center: ReadonlyMap<string, number>,
): Box[] {
  const names = [...new Set(list.flatMap((e) => [...unitsOf(e)]))];
  // Each unit wants to be at the height of the mean of its events.
  const wish = (name: string) => {
    const heights = list.filter((e) => unitsOf(e).includes(name)).map((e) => center.get(e.name) ?? 0);
    return heights.reduce((sum, y) => sum + y, 0) / heights.length - unitBox.height / 2;
  };
  let free = top;
  return names
    .map((name) => ({ name, y: wish(name) }))
    .sort((a, b) => a.y - b.y)
    .map(({ name, y }) => {
      const box = {
        id: `${side} ${name}`,
        name,
        x,
        y: Math.max(y, free),
        width: unitBox.width,
        height: unitBox.height,
      };
      free = box.y + box.height + unitBox.gap;
      return box;
    });
}

function curve(x1: number, y1: number, x2: number, y2: number): string {
  const bend = (x2 - x1) / 2;
  return `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`;
}
