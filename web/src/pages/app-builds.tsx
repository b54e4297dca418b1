// SPDX-License-Identifier: Apache-2.0

import { Group, Table, Text } from "@mantine/core";
import { Link } from "react-router";

import { useBuilds } from "../api/queries";
import { duration, instant, short } from "../format/format";
import { Empty, Loaded } from "../parts/feedback";
import { State } from "../parts/state";
import { When } from "../parts/when";

/** The builds of an app, the newest first. */
export function Builds({ project, app }: { project: string; app: string }) {
  const builds = useBuilds(project, app);
  return (
    <Loaded query={builds}>
      {(list) =>
        list.length === 0 ? (
          <div className="panel">
            <Empty
              title="Nothing was built yet"
              commands={[`hydra webhook create --project ${project} --provider github`]}
            >
              A push to the app&apos;s branch starts a build. Its forge announces the push through a webhook:
            </Empty>
          </div>
        ) : (
          <Table.ScrollContainer type="native" minWidth={720} className="panel">
            <Table verticalSpacing="sm" horizontalSpacing="md" className="rows">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Commit</Table.Th>
                  <Table.Th>Phase</Table.Th>
                  <Table.Th>Tests</Table.Th>
                  <Table.Th>How</Table.Th>
                  <Table.Th>Queued</Table.Th>
                  <Table.Th>Took</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {list.map((build) => {
                  const began = instant(build.startedAt);
                  const finished = instant(build.finishedAt);
                  return (
                    <Table.Tr key={build.id}>
                      <Table.Td className="grow">
                        <Group gap={8} wrap="nowrap">
                          <Link
                            to={`/projects/${project}/apps/${app}/logs?build=${build.id}`}
                            className="cover mono"
                            title="Show its log"
                          >
                            {short(build.commit.sha)}
                          </Link>
                          <Text fz={14} truncate title={build.commit.message}>
                            {build.commit.message}
                          </Text>
                        </Group>
                      </Table.Td>
                      <Table.Td maw={300}>
                        <State of={build.phase} />
                        {build.reason && (
                          <Text fz={13} c="dimmed" mt={4} lineClamp={3} title={build.reason}>
                            {build.reason}
                          </Text>
                        )}
                      </Table.Td>
                      <Table.Td>
                        {build.tests
                          ? `${build.tests.passed} passed${build.tests.failed > 0 ? `, ${build.tests.failed} failed` : ""}`
                          : "–"}
                      </Table.Td>
                      <Table.Td>{build.strategy ?? "–"}</Table.Td>
                      <Table.Td>
                        <When at={build.queuedAt} />
                      </Table.Td>
                      <Table.Td style={{ whiteSpace: "nowrap" }}>
                        {began !== undefined && finished !== undefined ? duration(finished - began) : "–"}
                      </Table.Td>
                    </Table.Tr>
                  );
                })}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )
      }
    </Loaded>
  );
}
