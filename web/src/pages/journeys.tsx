// SPDX-License-Identifier: Apache-2.0

import { Group, Table, Text } from "@mantine/core";
import { Link, useParams } from "react-router";

import { useJourneys } from "../api/queries";
import { duration, short } from "../format/format";
import { Empty, Loaded } from "../parts/feedback";
import { LiveMark } from "../parts/live-mark";
import { Page } from "../parts/page";
import { State } from "../parts/state";
import { When } from "../parts/when";

/** The journeys of a project, the newest first. */
export default function JourneysPage() {
  const { project = "" } = useParams();
  const journeys = useJourneys(project);
  return (
    <Page title="Journeys" lead="Each commit on its way from push to healthy." actions={<LiveMark />}>
      <Loaded query={journeys}>
        {(list) =>
          list.length === 0 ? (
            <div className="panel">
              <Empty title="No journey yet" commands={["git push", `hydra webhook list --project ${project}`]}>
                Push a commit to the branch of an app. When nothing arrives, check that the forge has the webhook.
              </Empty>
            </div>
          ) : (
            <Table.ScrollContainer type="native" minWidth={640} className="panel">
              <Table verticalSpacing="sm" horizontalSpacing="md" className="rows">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Journey</Table.Th>
                    <Table.Th>App</Table.Th>
                    <Table.Th>Outcome</Table.Th>
                    <Table.Th>Began</Table.Th>
                    <Table.Th ta="right">Took</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {list.map((journey) => {
                    return (
                      <Table.Tr key={journey.correlation}>
                        <Table.Td className="grow" style={{ width: "46%" }}>
                          <Group gap={10} wrap="nowrap">
                            {journey.sha && <span className="mono">{short(journey.sha)}</span>}
                            <Link
                              to={`/projects/${project}/journeys/${journey.correlation}`}
                              className="cover"
                              style={{ overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" }}
                            >
                              {journey.title ?? journey.trigger}
                            </Link>
                          </Group>
                        </Table.Td>
                        <Table.Td>{journey.app}</Table.Td>
                        <Table.Td maw={340}>
                          <State of={journey.status} />
                          {journey.reason && (
                            <Text fz={13} c="dimmed" mt={4} lineClamp={2}>
                              {journey.reason}
                            </Text>
                          )}
                        </Table.Td>
                        <Table.Td>
                          <When at={journey.startedAt} />
                        </Table.Td>
                        <Table.Td ta="right" style={{ whiteSpace: "nowrap" }}>
                          {journey.status === "accepted" || journey.status === "running"
                            ? "–"
                            : duration(journey.durationSeconds * 1000)}
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
    </Page>
  );
}
