// SPDX-License-Identifier: Apache-2.0

import { Anchor, Group, Table, Text } from "@mantine/core";
import { IconExternalLink } from "@tabler/icons-react";
import { Link, useParams } from "react-router";

import { type App, useApps, useLastCommits, useLoads } from "../api/queries";
import { amount, short } from "../format/format";
import { Empty, Loaded } from "../parts/feedback";
import { LiveMark } from "../parts/live-mark";
import { Page } from "../parts/page";
import { State } from "../parts/state";
import { When } from "../parts/when";

/** The apps of one project, kept up to date by the project's events. */
export function AppsPage() {
  const { project = "" } = useParams();
  const apps = useApps(project);
  return (
    <Page title={project} lead="Apps and how they are right now." actions={<LiveMark />}>
      <Loaded query={apps}>
        {(list) =>
          list.length === 0 ? (
            <div className="panel">
              <Empty
                title="No app in this project yet"
                commands={[
                  `hydra app create shop --project ${project} --repo <clone URL>`,
                  `hydra webhook create --project ${project} --provider github`,
                ]}
              >
                Tell Hydra where an app&apos;s code is and let its forge announce each push. The next commit builds and
                deploys it.
              </Empty>
            </div>
          ) : (
            <AppTable project={project} apps={list} />
          )
        }
      </Loaded>
    </Page>
  );
}

function AppTable({ project, apps }: { project: string; apps: readonly App[] }) {
  const names = apps.map((app) => app.name);
  const loads = useLoads(project, names);
  const commits = useLastCommits(project);
  return (
    <Table.ScrollContainer type="native" minWidth={760} className="panel">
      <Table className="rows" verticalSpacing="sm" horizontalSpacing="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>App</Table.Th>
            <Table.Th>State</Table.Th>
            <Table.Th>Revision</Table.Th>
            <Table.Th>Replicas</Table.Th>
            <Table.Th ta="right">Requests/s</Table.Th>
            <Table.Th>Last commit</Table.Th>
            <Table.Th>Changed</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {apps.map((app) => {
            const load = loads[app.name];
            const commit = commits[app.name];
            return (
              <Table.Tr key={app.name}>
                <Table.Td>
                  <Link to={`/projects/${project}/apps/${app.name}`} className="cover">
                    {app.name}
                  </Link>
                  {app.url && (
                    <div>
                      <AppLink url={app.url} />
                    </div>
                  )}
                </Table.Td>
                <Table.Td miw={150} maw={230}>
                  <State of={app.status} />
                  {app.reason && app.status !== "healthy" && (
                    <Text fz={13} c="dimmed" mt={4} lineClamp={2}>
                      {app.reason}
                    </Text>
                  )}
                </Table.Td>
                <Table.Td>{app.revision > 0 ? app.revision : "–"}</Table.Td>
                <Table.Td>
                  {app.replicas}/{app.desired}
                </Table.Td>
                <Table.Td ta="right">{load ? amount(load.requestsPerSecond) : "–"}</Table.Td>
                <Table.Td className="grow">
                  {commit ? (
                    <Group gap={8} wrap="nowrap">
                      <span className="mono">{short(commit.sha)}</span>
                      <Text fz={14} truncate title={commit.message}>
                        {commit.message}
                      </Text>
                    </Group>
                  ) : (
                    "–"
                  )}
                </Table.Td>
                <Table.Td>
                  <When at={app.updatedAt} />
                </Table.Td>
              </Table.Tr>
            );
          })}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

/** The address at which an app answers. */
export function AppLink({ url }: { url: string }) {
  return (
    <Anchor href={url} target="_blank" rel="noreferrer" fz={13} className="above" style={{ whiteSpace: "nowrap" }}>
      {url.replace(/^https?:\/\//, "")}
      <IconExternalLink size={12} style={{ marginLeft: 4, verticalAlign: -1 }} aria-label="opens in a new tab" />
    </Anchor>
  );
}
