// SPDX-License-Identifier: Apache-2.0

import { Button, Checkbox, Drawer, Group, MultiSelect, Select, Text, TextInput } from "@mantine/core";
import { IconPlayerPause, IconPlayerPlay, IconSearch } from "@tabler/icons-react";
import { useDeferredValue, useMemo, useState } from "react";
import { Link, useParams, useSearchParams } from "react-router";

import { type CloudEvent, isMeasurement, summary, tone, typeName } from "../api/event";
import { useFeed } from "../api/stream";
import { instant, stamp } from "../format/format";
import { Empty, Failure, Loading } from "../parts/feedback";
import { Json } from "../parts/json";
import { LiveMark } from "../parts/live-mark";
import { Page } from "../parts/page";
import { State } from "../parts/state";
import { useNow } from "../parts/when";

const shownAtMost = 300; // rows; more than anybody reads, few enough to stay quick

/** Every event of the project as it happens. */
export default function EventsPage() {
  const { project = "" } = useParams();
  const feed = useFeed();
  const now = useNow(60_000);
  const [search, setSearch] = useSearchParams();
  const [paused, setPaused] = useState<readonly CloudEvent[]>();
  const [open, setOpen] = useState<CloudEvent>();
  const chosen = search.getAll("type").join(); // a text, so that it is the same on each render
  const types = useMemo(() => (chosen ? chosen.split(",") : []), [chosen]);
  const app = search.get("app");
  // They come every few seconds and would push everything else out of sight.
  const measurements = search.get("measurements") === "true";
  const [words, setWords] = useState(search.get("text") ?? "");
  const wanted = useDeferredValue(words.trim().toLowerCase());

  const set = (change: (next: URLSearchParams) => void) =>
    setSearch(
      (previous) => {
        const next = new URLSearchParams(previous);
        change(next);
        return next;
      },
      { replace: true },
    );

  const all = paused ?? feed.events;
  const shown = useMemo(
    () =>
      all
        .filter(
          (e) =>
            (types.length > 0 ? types.includes(typeName(e.type)) : measurements || !isMeasurement(e)) &&
            (!app || e.app === app) &&
            (wanted === "" || JSON.stringify(e).toLowerCase().includes(wanted)),
        )
        .slice(-shownAtMost)
        .reverse(),
    [all, types, app, wanted, measurements],
  );
  const known = useMemo(
    () => [...new Set([...feed.events.map((e) => typeName(e.type)), ...types])].sort(),
    [feed.events, types],
  );
  const apps = useMemo(
    () => [...new Set(feed.events.flatMap((e) => (e.app && e.app !== "_" ? [e.app] : [])))].sort(),
    [feed.events],
  );
  const behind = paused ? feed.events.length - paused.length : 0;

  return (
    <Page
      title="Live events"
      lead={`Everything that happens in ${project}, the newest first.`}
      actions={
        <>
          <Text size="sm" c="dimmed" role="status">
            {shown.length} of {all.length} events
          </Text>
          <LiveMark />
        </>
      }
    >
      <Group gap="sm" mb="md" align="flex-end">
        <TextInput
          aria-label="Find text"
          placeholder="Find text"
          leftSection={<IconSearch size={15} />}
          value={words}
          onChange={(e) => setWords(e.currentTarget.value)}
          w={{ base: "100%", xs: 200 }}
        />
        <MultiSelect
          aria-label="Type"
          placeholder={types.length === 0 ? "Every type" : ""}
          data={known}
          value={types}
          onChange={(values) =>
            set((next) => {
              next.delete("type");
              for (const value of values) next.append("type", value);
            })
          }
          searchable
          clearable
          w={{ base: "100%", xs: 250 }}
        />
        <Select
          aria-label="App"
          placeholder="Every app"
          data={apps}
          value={app}
          onChange={(value) => set((next) => (value ? next.set("app", value) : next.delete("app")))}
          clearable
          w={{ base: "100%", xs: 140 }}
        />
        <Button
          variant="default"
          leftSection={paused ? <IconPlayerPlay size={15} /> : <IconPlayerPause size={15} />}
          onClick={() => setPaused(paused ? undefined : feed.events)}
          aria-pressed={paused !== undefined}
        >
          {paused ? (behind > 0 ? `Resume, ${behind} new` : "Resume") : "Pause"}
        </Button>
        {types.length === 0 && (
          <Checkbox
            label="Measurements"
            checked={measurements}
            onChange={(e) => {
              const on = e.currentTarget.checked;
              set((next) => (on ? next.set("measurements", "true") : next.delete("measurements")));
            }}
            style={{ alignSelf: "center" }}
          />
        )}
      </Group>
      {feed.state === "refused" && <Failure error={new Error(feed.detail ?? "The stream was refused.")} />}
      <div className="panel stream">
        {shown.map((event) => (
          <EventRow key={`${event.source} ${event.id}`} event={event} now={now} onOpen={() => setOpen(event)} />
        ))}
        {shown.length === 0 &&
          (feed.state === "loading" ? (
            <div style={{ padding: 16 }}>
              <Loading />
            </div>
          ) : all.length > 0 ? (
            <Empty title="No event matches">Change the filter to see the other {all.length}.</Empty>
          ) : (
            <Empty title="Nothing has happened here yet" commands={[`hydra events tail --project ${project}`]}>
              Push a commit or change an app. The same stream is on the command line:
            </Empty>
          ))}
      </div>
      <EventDrawer event={open} project={project} onClose={() => setOpen(undefined)} />
    </Page>
  );
}

function EventRow({ event, now, onOpen }: { event: CloudEvent; now: number; onOpen: () => void }) {
  const at = instant(event.time);
  return (
    <button type="button" className="event" onClick={onOpen}>
      <span className="mono">{at === undefined ? "" : stamp(at, now)}</span>
      <span>
        <State of={typeName(event.type)} tone={tone(event)} />
      </span>
      <span>{event.app && event.app !== "_" ? event.app : ""}</span>
      <span>{summary(event)}</span>
    </button>
  );
}

interface DrawerProps {
  event: CloudEvent | undefined;
  project: string;
  onClose: () => void;
}

/** One event, whole. */
export function EventDrawer({ event, project, onClose }: DrawerProps) {
  return (
    <Drawer
      opened={event !== undefined}
      onClose={onClose}
      position="right"
      size="xl"
      title={<Text fw={650}>{event ? typeName(event.type) : ""}</Text>}
      closeButtonProps={{ "aria-label": "Close the event" }}
    >
      {event && (
        <>
          {event.correlationid && !isMeasurement(event) && (
            <Button
              component={Link}
              to={`/projects/${project}/journeys/${event.correlationid}`}
              variant="light"
              size="xs"
              mb="md"
              onClick={onClose}
            >
              Show its journey
            </Button>
          )}
          <Json value={event} />
        </>
      )}
    </Drawer>
  );
}
