// SPDX-License-Identifier: Apache-2.0

import { Group, SegmentedControl, Select } from "@mantine/core";
import { useCallback } from "react";
import { useSearchParams } from "react-router";

import { endpoints, useBuilds } from "../api/queries";
import { short } from "../format/format";
import { LogView } from "../parts/log-view";

/** Live logs: of the app's pods, or of one of its builds. */
export function Logs({ project, app }: { project: string; app: string }) {
  const builds = useBuilds(project, app);
  const [search, setSearch] = useSearchParams();
  const build = search.get("build") ?? "";
  const kind = search.get("kind") === "test" ? "test" : "build";
  const path = useCallback(
    (since?: string) => (build ? endpoints.buildLogs(project, build, kind) : endpoints.logs(project, app, since)),
    [project, app, build, kind],
  );
  const choices = [
    { value: "", label: "Pods of the app" },
    ...(builds.data ?? []).map((b) => ({
      value: b.id,
      label: `Build of ${short(b.commit.sha)}${b.commit.message ? `: ${b.commit.message}` : ""}`,
    })),
  ];
  return (
    <>
      <Group mb="sm" align="flex-end">
        <Select
          label="Log of"
          data={choices}
          value={build}
          allowDeselect={false}
          onChange={(value) => setSearch(value ? { build: value } : {}, { replace: true })}
          w={{ base: "100%", sm: 480 }}
        />
        {build && (
          <SegmentedControl
            aria-label="Stage"
            data={[
              { value: "build", label: "Build" },
              { value: "test", label: "Tests" },
            ]}
            value={kind}
            onChange={(value) => setSearch({ build, kind: value }, { replace: true })}
          />
        )}
      </Group>
      <LogView
        path={path}
        name={build ? `${app}-${kind}-${build}` : app}
        empty={build ? "Nothing was written here yet." : "No pod of this app wrote anything yet."}
      />
    </>
  );
}
