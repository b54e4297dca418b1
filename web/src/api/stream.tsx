// SPDX-License-Identifier: Apache-2.0

// The one event stream of the project in view. Every page below it shares the
// connection: browsers allow few per host.

import { useQueryClient } from "@tanstack/react-query";
import { createContext, useContext, useEffect, useMemo, useSyncExternalStore } from "react";
import { Outlet, useParams } from "react-router";

import { type CloudEvent, isMeasurement, isObject } from "./event";
import { endpoints, recentEvents, refreshAfter } from "./queries";
import { token } from "./session";
import { follow, type StreamState } from "./sse";

const kept = 1_000; // events that stay in the page
const keptMeasurements = 300; // of them; they must not push the others out

export interface Snapshot {
  state: StreamState | "loading";
  detail?: string;
  events: readonly CloudEvent[]; // oldest first
}

/** Holds the events of one project and tells those who look at them. */
export class EventFeed {
  constructor(readonly project: string) {}

  private snapshot: Snapshot = { state: "loading", events: [] };
  private readonly listeners = new Set<() => void>();
  private waiting: CloudEvent[] = [];
  private scheduled: ReturnType<typeof setTimeout> | undefined;

  readonly get = (): Snapshot => this.snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  state(state: StreamState, detail?: string): void {
    this.set({ state, ...(detail === undefined ? {} : { detail }), events: this.snapshot.events });
  }

  /** Adds events, at most a few times a second however fast they come. */
  add(events: readonly CloudEvent[]): void {
    this.waiting.push(...events);
    this.scheduled ??= setTimeout(() => {
      this.scheduled = undefined;
      const known = new Set(this.snapshot.events.map(key));
      const fresh = this.waiting.filter((e) => !known.has(key(e)) && known.add(key(e)));
      this.waiting = [];
      if (fresh.length > 0) this.set({ ...this.snapshot, events: trim([...this.snapshot.events, ...fresh]) });
    }, 100);
  }

  private set(snapshot: Snapshot): void {
    this.snapshot = snapshot;
    for (const listener of this.listeners) listener();
  }
}

/** Drops the oldest events, and of measurements already more of them. */
function trim(events: CloudEvent[]): CloudEvent[] {
  if (events.length <= kept) return events;
  let spare = events.filter(isMeasurement).length - keptMeasurements;
  return events.filter((e) => !isMeasurement(e) || --spare < 0).slice(-kept);
}

function key(event: CloudEvent): string {
  return `${event.source} ${event.id}`;
}

const FeedContext = createContext<EventFeed | null>(null);

/** The events of the project in view and how the connection is. */
export function useFeed(): Snapshot {
  const feed = useContext(FeedContext);
  if (!feed) throw new Error("useFeed outside of ProjectStream");
  return useSyncExternalStore(feed.subscribe, feed.get);
}

/** Opens the project's stream for the pages inside it. */
export function ProjectStream() {
  const { project = "" } = useParams();
  const client = useQueryClient();
  const feed = useMemo(() => new EventFeed(project), [project]);

  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const run = async () => {
      let last: string | undefined;
      try {
        const recent = await recentEvents(project, signal);
        feed.add(recent);
        last = recent.at(-1)?.sequence?.toString();
      } catch {
        // The stream says by itself what is wrong.
      }
      if (signal.aborted) return;
      await follow({
        url: () => endpoints.stream(project),
        token: token(),
        signal,
        lastEventId: last,
        onState: (state, detail) => {
          feed.state(state, detail);
          // Asking who we are leads to the login when it is the token that was refused.
          if (state === "refused") void client.invalidateQueries({ queryKey: ["whoami"] });
        },
        onMessage: ({ data, id }) => {
          const event = read(data, id);
          if (event) {
            feed.add([event]);
            refreshAfter(client, project, event);
          }
          return undefined;
        },
      });
    };
    void run();
    return () => controller.abort();
  }, [project, feed, client]);

  return (
    <FeedContext value={feed}>
      <Outlet key={project} />
    </FeedContext>
  );
}

function read(data: string, id: string | undefined): CloudEvent | undefined {
  try {
    const value: unknown = JSON.parse(data);
    if (!isObject(value) || typeof value.type !== "string" || typeof value.id !== "string") return undefined;
    return { ...(id === undefined ? {} : { sequence: id }), ...value } as CloudEvent;
  } catch {
    return undefined; // Not an event; the server may send other messages one day.
  }
}
