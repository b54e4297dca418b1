// SPDX-License-Identifier: Apache-2.0

import { type KeyboardEvent, useMemo, useState } from "react";

import { useFlow } from "../api/queries";
import { type Box, type FlowEvent, layout } from "../flow/layout";
import { Empty, Loaded } from "../parts/feedback";
import { Page } from "../parts/page";

/** Which service emits and which handles each event. */
export default function FlowPage() {
  const flow = useFlow();
  return (
    <Page
      title="Event map"
      lead="Drawn from what each service declares: who emits an event at the left, who handles it at the right."
    >
      <Loaded query={flow} lines={12}>
        {(events) =>
          events.length === 0 ? (
            <div className="panel">
              <Empty title="No service told what it does" commands={["hydra flow"]}>
                This gateway was started without the event graph. The command line draws it:
              </Empty>
            </div>
          ) : (
            <EventMap events={events} />
          )
        }
      </Loaded>
    </Page>
  );
}

function EventMap({ events }: { events: readonly FlowEvent[] }) {
  const map = useMemo(() => layout(events), [events]);
  const [hovered, setHovered] = useState<string>();
  const [kept, setKept] = useState<string>();
  const active = hovered ?? kept;
  const lit = useMemo(() => {
    const edges = map.edges.filter((e) => e.unit === active || e.event === active);
    return { edges: new Set(edges), boxes: new Set([active, ...edges.flatMap((e) => [e.unit, e.event])]) };
  }, [map, active]);
  const dim = (id: string) => (active !== undefined && !lit.boxes.has(id) ? "dim" : "");
  const handlers = (id: string) => ({
    tabIndex: 0,
    role: "button",
    "aria-pressed": kept === id,
    onMouseEnter: () => setHovered(id),
    onMouseLeave: () => setHovered(undefined),
    onFocus: () => setHovered(id),
    onBlur: () => setHovered(undefined),
    onClick: () => setKept(kept === id ? undefined : id),
    onKeyDown: (e: KeyboardEvent) => {
      if (e.key !== "Enter" && e.key !== " ") return;
      e.preventDefault();
      setKept(kept === id ? undefined : id);
    },
  });
  const described = (box: Box) => {
    const event = events.find((e) => e.name === box.name);
    return event
      ? `${event.name}, emitted by ${event.emittedBy.join(", ") || "nobody here"}, handled by ${event.consumedBy.join(", ") || "nobody here"}`
      : box.name;
  };
  return (
    <div className="panel" style={{ overflowX: "auto", padding: 12 }}>
      <svg
        className="flow"
        viewBox={`0 0 ${map.width} ${map.height}`}
        style={{ minWidth: 720, width: "100%", display: "block" }}
      >
        <title>Map of events</title>
        <g className="small" aria-hidden>
          <text className="small" x={10} y={20}>
            emits
          </text>
          <text className="small" x={370} y={20}>
            event
          </text>
          <text className="small" x={map.width - 140} y={20}>
            handles
          </text>
        </g>
        <g aria-hidden>
          {map.edges.map((edge) => (
            <path
              key={`${edge.unit} ${edge.event}`}
              d={edge.path}
              className={active === undefined ? "" : lit.edges.has(edge) ? "lit" : "dim"}
            />
          ))}
        </g>
        {map.units.map((box) => (
          <g
            key={box.id}
            className={`unit ${dim(box.id)}`}
            {...handlers(box.id)}
            aria-label={`${box.name}, ${box.id.startsWith("out") ? "emits" : "handles"} ${map.edges.filter((e) => e.unit === box.id).length} events`}
          >
            <rect x={box.x} y={box.y} width={box.width} height={box.height} rx={9} />
            <text x={box.x + box.width / 2} y={box.y + box.height / 2 + 5} textAnchor="middle" fontWeight={650}>
              {box.name}
            </text>
          </g>
        ))}
        {map.events.map((box) => (
          <g key={box.id} className={dim(box.id)} {...handlers(box.id)} aria-label={described(box)}>
            <rect x={box.x} y={box.y} width={box.width} height={box.height} rx={12} />
            <text x={box.x + box.width / 2} y={box.y + 17} textAnchor="middle">
              {box.name}
            </text>
          </g>
        ))}
      </svg>
    </div>
  );
}
