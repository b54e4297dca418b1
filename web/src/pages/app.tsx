// SPDX-License-Identifier: Apache-2.0

import { Alert, Button, Group, Tabs, Text } from "@mantine/core";
import { lazy, Suspense } from "react";
import { useNavigate, useParams } from "react-router";

import { type App, useApp, useLoads } from "../api/queries";
import { amount, bytes, cores, duration, percent } from "../format/format";
import { Loaded, Loading } from "../parts/feedback";
import { LiveMark } from "../parts/live-mark";
import { Page } from "../parts/page";
import { State } from "../parts/state";
import { When } from "../parts/when";
import { AppLink } from "./apps";
import { Builds } from "./app-builds";
import { Decisions } from "./app-decisions";
import { Logs } from "./app-logs";
import { Releases } from "./app-releases";

const Metrics = lazy(() => import("./app-metrics"));

const tabs = ["releases", "builds", "logs", "metrics", "scaling"] as const;

/** One app: its state, and everything about it in tabs that have addresses. */
export default function AppPage() {
  const { project = "", app = "" } = useParams();
  const query = useApp(project, app);
  return <Loaded query={query}>{(data) => <AppView project={project} app={data} />}</Loaded>;
}

function AppView({ project, app }: { project: string; app: App }) {
  const { tab } = useParams();
  const navigate = useNavigate();
  const active = tabs.find((t) => t === tab) ?? "releases";
  return (
    <Page
      title={app.name}
      badge={<State of={app.status} />}
      lead={
        app.url ? <AppLink url={app.url} /> : "No address: nothing is deployed yet, or the app has no gateway trait."
      }
      actions={
        <>
          <LiveMark />
          {app.url && (
            <Button component="a" href={app.url} target="_blank" rel="noreferrer" size="sm">
              Open the app
            </Button>
          )}
        </>
      }
    >
      {app.reason && app.status !== "healthy" && (
        <Alert
          color={app.status === "failed" || app.status === "degraded" ? "red" : "yellow"}
          variant="light"
          mb="md"
          title="Why"
        >
          {app.reason}
        </Alert>
      )}
      <Facts project={project} app={app} />
      <Tabs
        value={active}
        onChange={(next) => void navigate(`/projects/${project}/apps/${app.name}/${next ?? ""}`)}
        keepMounted={false}
        mt="lg"
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="releases">Releases</Tabs.Tab>
          <Tabs.Tab value="builds">Builds</Tabs.Tab>
          <Tabs.Tab value="logs">Logs</Tabs.Tab>
          <Tabs.Tab value="metrics">Metrics</Tabs.Tab>
          <Tabs.Tab value="scaling">Scaling</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="releases">
          <Releases project={project} app={app} />
        </Tabs.Panel>
        <Tabs.Panel value="builds">
          <Builds project={project} app={app.name} />
        </Tabs.Panel>
        <Tabs.Panel value="logs">
          <Logs project={project} app={app.name} />
        </Tabs.Panel>
        <Tabs.Panel value="metrics">
          <Suspense fallback={<Loading />}>
            <Metrics project={project} app={app.name} />
          </Suspense>
        </Tabs.Panel>
        <Tabs.Panel value="scaling">
          <Decisions project={project} app={app} />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}

/** The numbers that say how the app is, in one row. */
function Facts({ project, app }: { project: string; app: App }) {
  const load = useLoads(project, [app.name])[app.name];
  const facts: [string, React.ReactNode][] = [
    [
      "Revision",
      app.revision > 0
        ? `${app.revision}${app.healthy !== app.revision ? ` (healthy: ${app.healthy || "none"})` : ""}`
        : "none",
    ],
    ["Replicas ready", `${app.replicas} of ${app.desired}`],
    ["Requests/s", load ? amount(load.requestsPerSecond) : "–"],
    ["Errors", load ? percent(load.errorRatio) : "–"],
    ["95th percentile", load ? duration(load.latencyP95Seconds * 1000) : "–"],
    ["CPU", load ? cores(load.cpuCores) : "–"],
    ["Memory", load ? bytes(load.memoryBytes) : "–"],
    ["Changed", <When key="changed" at={app.updatedAt} />],
  ];
  return (
    <Group className="panel" component="dl" m={0} px="lg" py="md" gap={0} style={{ rowGap: 14 }}>
      {facts.map(([name, value]) => (
        <div key={name} style={{ flex: "1 1 108px" }}>
          <Text component="dt" fz={13} c="dimmed">
            {name}
          </Text>
          <Text component="dd" m={0} fw={650} fz={17} lh={1.4} style={{ whiteSpace: "nowrap" }}>
            {value}
          </Text>
        </div>
      ))}
    </Group>
  );
}
