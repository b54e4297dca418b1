// SPDX-License-Identifier: Apache-2.0

import { Anchor, Group, Tabs, Text } from "@mantine/core";
import { useMemo, useState } from "react";
import { Link, useParams } from "react-router";

import { typeName } from "../api/event";
import { useJourneyEvents } from "../api/queries";
import { absolute, clock, duration, instant, repository, short } from "../format/format";
import { computeJourney, type Journey, type Step } from "../journey/journey";
import { Waterfall } from "../journey/waterfall";
import { Empty, Loaded } from "../parts/feedback";
import { Json } from "../parts/json";
import { LiveMark } from "../parts/live-mark";
import { Page } from "../parts/page";
import { State } from "../parts/state";
import { useNow, When } from "../parts/when";
import { AppLink } from "./apps";

/** One commit from push to healthy. */
export default function JourneyPage() {
  const { project = "", correlation = "" } = useParams();
  const query = useJourneyEvents(project, correlation);
  return (
    <Loaded query={query} lines={9}>
      {(events) => <JourneyView project={project} correlation={correlation} events={events} />}
    </Loaded>
  );
}

type Events = Parameters<typeof computeJourney>[0];

function JourneyView({ project, correlation, events }: { project: string; correlation: string; events: Events }) {
  const settled = useMemo(() => computeJourney(events, 0)?.outcome !== "running", [events]);
  const now = useNow(500, !settled);
  const journey = useMemo(() => computeJourney(events, now), [events, now]);
  const [selected, setSelected] = useState<string>();
  if (!journey) {
    return (
      <Page title="Journey">
        <Empty
          title="No event of this journey is left"
          commands={[`hydra events list --project ${project} --correlation ${correlation}`]}
        >
          Events are kept for 90 days unless the platform was set up differently.
        </Empty>
      </Page>
    );
  }
  const step = journey.steps.find((s) => s.id === selected);
  return (
    <Page
      title={journey.message ?? journey.steps[0]?.label ?? "Journey"}
      badge={<State of={journey.outcome} />}
      lead={<Facts project={project} journey={journey} />}
      actions={<LiveMark />}
    >
      {journey.reason && (
        <div className="waterfall-reason" style={{ margin: "0 0 16px" }}>
          {journey.reason}
        </div>
      )}
      <Waterfall
        journey={journey}
        selected={selected}
        onSelect={(s) => setSelected(s.id === selected ? undefined : s.id)}
      />
      {step ? (
        <StepEvents key={step.id} step={step} />
      ) : (
        <Text c="dimmed" fz={14} mt="sm">
          Choose a bar to see the events behind it.
        </Text>
      )}
    </Page>
  );
}

function Facts({ project, journey }: { project: string; journey: Journey }) {
  return (
    <Group gap="lg" fz={14} style={{ rowGap: 4 }}>
      <Anchor component={Link} to={`/projects/${project}/apps/${journey.app}`} fz={14}>
        {journey.app}
      </Anchor>
      {journey.sha && (
        <span className="mono">
          {short(journey.sha)}
          {journey.branch ? ` on ${journey.branch}` : ""}
        </span>
      )}
      {journey.author && <span>{journey.author}</span>}
      {journey.repository && <span>{repository(journey.repository)}</span>}
      {journey.revision !== undefined && <span>revision {journey.revision}</span>}
      <span title={absolute(journey.begin)}>
        {journey.outcome === "running" ? "running for " : "took "}
        <strong>{duration(journey.total)}</strong>, began <When at={journey.begin} />
      </span>
      {journey.url && <AppLink url={journey.url} />}
    </Group>
  );
}

function StepEvents({ step }: { step: Step }) {
  return (
    <section className="panel" aria-label={`Events of ${step.label}`} style={{ marginTop: 16, padding: 16 }}>
      <Tabs defaultValue="0">
        <Tabs.List mb="sm">
          {step.events.map((event, i) => (
            <Tabs.Tab key={event.id} value={String(i)}>
              {typeName(event.type)} at {clock(instant(event.time) ?? 0)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {step.events.map((event, i) => (
          <Tabs.Panel key={event.id} value={String(i)}>
            <Json value={event} />
          </Tabs.Panel>
        ))}
      </Tabs>
    </section>
  );
}
