// SPDX-License-Identifier: Apache-2.0

// Everything the pages ask the gateway for. Events of the project in view make
// answers stale, so pages follow what happens without asking all the time.

import {
  keepPreviousData,
  type QueryClient,
  useMutation,
  useQueries,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";

import { api, body } from "./client";
import { type CloudEvent, payload, typeName } from "./event";
import { flowEvents } from "../flow/layout";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Project = Schemas["Project"];
export type App = Schemas["App"];
export type Release = Schemas["Release"];
export type Build = Schemas["Build"];
export type Metrics = Schemas["Metrics"];
export type Measurement = Metrics["series"][number];
export type Decision = Schemas["Decision"];
export type Part = Schemas["Part"];

const encode = encodeURIComponent;

/** Addresses of streams, which are not read through the typed client. */
export const endpoints = {
  stream: (project: string) => `/api/v1/projects/${encode(project)}/events/stream`,
  logs: (project: string, app: string, since?: string) =>
    `/api/v1/projects/${encode(project)}/apps/${encode(app)}/logs?follow=true&tail=200${since ? `&since=${encode(since)}` : ""}`,
  buildLogs: (project: string, build: string, kind: "build" | "test") =>
    `/api/v1/projects/${encode(project)}/builds/${encode(build)}/logs?follow=true&kind=${kind}`,
};

const often = 15_000; // ms; for what may change without an event

export function useWhoami() {
  return useQuery({
    queryKey: ["whoami"],
    queryFn: ({ signal }) => body(api.GET("/api/v1/whoami", { signal })),
    staleTime: Infinity,
  });
}

export function useProjects() {
  return useQuery({
    queryKey: ["projects"],
    queryFn: async ({ signal }) =>
      (await body(api.GET("/api/v1/projects", { signal, params: { query: { limit: 1000 } } }))).items,
    refetchInterval: often,
  });
}

const key = (project: string, ...rest: string[]) => ["project", project, ...rest];
const inApp = (project: string, app: string) => ({ path: { project, app } });

export function useApps(project: string) {
  return useQuery({
    queryKey: key(project, "apps"),
    queryFn: async ({ signal }) =>
      (
        await body(
          api.GET("/api/v1/projects/{project}/apps", { signal, params: { path: { project }, query: { limit: 1000 } } }),
        )
      ).items,
    refetchInterval: often,
  });
}

export function useApp(project: string, app: string) {
  return useQuery({
    queryKey: key(project, "app", app),
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/projects/{project}/apps/{app}", { signal, params: inApp(project, app) })),
    refetchInterval: often,
  });
}

export function useReleases(project: string, app: string) {
  return useQuery({
    queryKey: key(project, "app", app, "releases"),
    queryFn: async ({ signal }) =>
      (await body(api.GET("/api/v1/projects/{project}/apps/{app}/releases", { signal, params: inApp(project, app) })))
        .items,
  });
}

export function useRollback(project: string, app: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (revision: number) =>
      body(
        api.POST("/api/v1/projects/{project}/apps/{app}/rollback", { params: inApp(project, app), body: { revision } }),
      ),
    onSettled: () => client.invalidateQueries({ queryKey: key(project, "app", app) }),
  });
}

export function useBuilds(project: string, app: string) {
  return useQuery({
    queryKey: key(project, "app", app, "builds"),
    queryFn: async ({ signal }) =>
      (await body(api.GET("/api/v1/projects/{project}/apps/{app}/builds", { signal, params: inApp(project, app) })))
        .items,
  });
}

/** The newest commit of each app that was built. */
export function useLastCommits(project: string): Record<string, Build["commit"] | undefined> {
  const builds = useQuery({
    queryKey: key(project, "builds"),
    queryFn: async ({ signal }) =>
      (
        await body(
          api.GET("/api/v1/projects/{project}/builds", {
            signal,
            params: { path: { project }, query: { limit: 1000 } },
          }),
        )
      ).items,
  });
  const newestLast = [...(builds.data ?? [])].reverse();
  return Object.fromEntries(newestLast.map((build) => [build.app, build.commit]));
}

/** The newest measurement of each of the apps. */
export function useLoads(project: string, apps: readonly string[]): Record<string, Metrics["current"]> {
  return useQueries({
    queries: apps.map((app) => ({
      queryKey: key(project, "load", app),
      queryFn: async ({ signal }: { signal: AbortSignal }) => {
        const params = { ...inApp(project, app), query: { limit: 1, since: "5m" } };
        return (
          (await body(api.GET("/api/v1/projects/{project}/apps/{app}/metrics", { signal, params }))).current ?? null
        );
      },
      refetchInterval: often,
    })),
    combine: (results) => Object.fromEntries(results.map((result, i) => [apps[i] ?? "", result.data ?? undefined])),
  });
}

export function useMetrics(project: string, app: string, since: string) {
  return useQuery({
    queryKey: key(project, "app", app, "metrics", since),
    queryFn: ({ signal }) =>
      body(
        api.GET("/api/v1/projects/{project}/apps/{app}/metrics", {
          signal,
          params: { ...inApp(project, app), query: { since, limit: 1000 } },
        }),
      ),
    refetchInterval: often,
    placeholderData: keepPreviousData,
  });
}

export function useDecisions(project: string, app: string) {
  return useQuery({
    queryKey: key(project, "app", app, "decisions"),
    queryFn: async ({ signal }) =>
      (await body(api.GET("/api/v1/projects/{project}/apps/{app}/decisions", { signal, params: inApp(project, app) })))
        .decisions ?? [],
  });
}

export function useJourneys(project: string) {
  return useQuery({
    queryKey: key(project, "journeys"),
    queryFn: async ({ signal }) =>
      (
        await body(
          api.GET("/api/v1/projects/{project}/journeys", {
            signal,
            params: { path: { project }, query: { limit: 50 } },
          }),
        )
      ).items,
  });
}

/** Every event of one journey; the waterfall is computed from these alone. */
export function useJourneyEvents(project: string, correlation: string) {
  return useQuery({
    queryKey: key(project, "journey", correlation),
    queryFn: ({ signal }) => newestEvents(project, { correlation, limit: 1000 }, signal),
  });
}

/** The newest events of a project, oldest first. */
export function recentEvents(project: string, signal: AbortSignal): Promise<CloudEvent[]> {
  return newestEvents(project, { limit: 500 }, signal);
}

async function newestEvents(
  project: string,
  query: { correlation?: string; limit: number },
  signal: AbortSignal,
): Promise<CloudEvent[]> {
  const params = { path: { project }, query: { ...query, order: "desc" as const } };
  const { items } = await body(api.GET("/api/v1/projects/{project}/events", { signal, params }));
  return items.reverse();
}

/** Who emits and who handles each event, in the order of the catalogue. */
export function useFlow() {
  return useQuery({
    queryKey: ["flow"],
    queryFn: async ({ signal }) => {
      const [flow, types] = await Promise.all([
        body(api.GET("/api/v1/flow", { signal })),
        body(api.GET("/api/v1/types", { signal })),
      ]);
      return flowEvents(flow.routes, types.items.map((t) => t.name)); // prettier-ignore
    },
    staleTime: Infinity,
  });
}

export function usePlatform() {
  return useQuery({
    queryKey: ["platform"],
    queryFn: ({ signal }) => body(api.GET("/api/v1/platform", { signal })),
    refetchInterval: 3_000,
  });
}

const settle = 1_200; // ms; a service may write its state a moment after its event
const pending = new Set<string>();

/** Asks again for what an event changed, once for a burst of events. */
export function refreshAfter(client: QueryClient, project: string, event: CloudEvent): void {
  const app = event.app && event.app !== "_" ? event.app : undefined;
  const name = typeName(event.type);
  if (name === "workload.measured" && app) {
    client.setQueryData(key(project, "load", app), payload(event));
    return;
  }
  const stale = [key(project, "apps"), key(project, "builds"), key(project, "journeys")];
  if (app) stale.push(key(project, "app", app));
  if (event.correlationid) stale.push(key(project, "journey", event.correlationid));
  if (name.startsWith("project.")) stale.push(["projects"]);
  for (const queryKey of stale) {
    for (const delay of [150, settle]) {
      const id = `${queryKey.join(" ")} ${delay}`;
      if (pending.has(id)) continue;
      pending.add(id);
      setTimeout(() => {
        pending.delete(id);
        void client.invalidateQueries({ queryKey });
      }, delay);
    }
  }
}
