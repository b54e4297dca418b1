// SPDX-License-Identifier: Apache-2.0

import { SegmentedControl, SimpleGrid } from "@mantine/core";
import { useMemo, useState } from "react";

import { type Measurement, type Metrics, useMetrics } from "../api/queries";
import { amount, bytes, cores, duration, instant, percent } from "../format/format";
import Chart, { type Point } from "../parts/chart";
import { Empty, Loaded } from "../parts/feedback";

const spans = [
  { value: "15m", label: "15 min" },
  { value: "1h", label: "1 h" },
  { value: "6h", label: "6 h" },
  { value: "24h", label: "24 h" },
];

/** An app's load over time, from the measurements the observer announced. */
export default function AppMetrics({ project, app }: { project: string; app: string }) {
  const [since, setSince] = useState("1h");
  const metrics = useMetrics(project, app, since);
  return (
    <>
      <SegmentedControl data={spans} value={since} onChange={setSince} mb="md" aria-label="Span of time" />
      <Loaded query={metrics}>{(data) => <Charts metrics={data} app={app} project={project} />}</Loaded>
    </>
  );
}

const seconds = (value: number) => duration(value * 1000);

function Charts({ metrics, project, app }: { metrics: Metrics; project: string; app: string }) {
  const of = useMemo(() => {
    const timed = metrics.series.map((m) => [instant(m.at), m] as const);
    return (value: (m: Measurement) => number): Point[] =>
      timed.flatMap(([at, m]) => (at === undefined ? [] : [{ at, value: value(m) }]));
  }, [metrics.series]);
  const charts = useMemo(
    () => ({
      requests: of((m) => m.requestsPerSecond),
      errors: of((m) => m.errorRatio),
      latency: of((m) => m.latencyP95Seconds),
      cpu: of((m) => m.cpuCores),
      memory: of((m) => m.memoryBytes),
      replicas: of((m) => m.replicas),
    }),
    [of],
  );
  if (metrics.series.length === 0) {
    return (
      <div className="panel">
        <Empty title="No measurement in this time" commands={[`curl http://${app}.${project}.localhost:7080/`]}>
          Measurements begin when the app runs and its load changes. Send it a request, or look at a longer time.
        </Empty>
      </div>
    );
  }
  return (
    <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="md">
      <Chart title="Requests per second" points={charts.requests} format={amount} />
      <Chart title="Errors" points={charts.errors} format={percent} color="bad" />
      <Chart title="Duration, 95th percentile" points={charts.latency} format={seconds} color="plain" />
      <Chart title="CPU" points={charts.cpu} format={cores} color="busy" />
      <Chart title="Memory" points={charts.memory} format={bytes} color="plain" scale="binary" />
      <Chart title="Replicas" points={charts.replicas} format={amount} scale="count" />
    </SimpleGrid>
  );
}
