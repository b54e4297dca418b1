// SPDX-License-Identifier: Apache-2.0

import { Button, Group, Modal, Table, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import { Link } from "react-router";

import { type App, type Release, useReleases, useRollback } from "../api/queries";
import { duration, image, instant, short } from "../format/format";
import { Empty, Failure, Loaded } from "../parts/feedback";
import { State } from "../parts/state";
import { When } from "../parts/when";

/** The revisions of an app, the newest first, each with a way back to it. */
export function Releases({ project, app }: { project: string; app: App }) {
  const releases = useReleases(project, app.name);
  const [chosen, setChosen] = useState<Release>();
  return (
    <Loaded query={releases}>
      {(list) =>
        list.length === 0 ? (
          <div className="panel">
            <Empty title="Nothing was released yet" commands={[`hydra deploy ${app.name} --project ${project}`]}>
              Push a commit to the app&apos;s branch, or deploy by hand:
            </Empty>
          </div>
        ) : (
          <>
            <Table.ScrollContainer type="native" minWidth={720} className="panel">
              <Table verticalSpacing="sm" horizontalSpacing="md" className="rows">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Revision</Table.Th>
                    <Table.Th>Phase</Table.Th>
                    <Table.Th>Commit</Table.Th>
                    <Table.Th>Cause</Table.Th>
                    <Table.Th>Began</Table.Th>
                    <Table.Th>Took</Table.Th>
                    <Table.Th aria-label="Actions" />
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {list.map((release) => (
                    <ReleaseRow
                      key={release.revision}
                      project={project}
                      app={app}
                      release={release}
                      onRollback={() => setChosen(release)}
                    />
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
            <RollbackDialog project={project} app={app} release={chosen} onClose={() => setChosen(undefined)} />
          </>
        )
      }
    </Loaded>
  );
}

interface RowProps {
  project: string;
  app: App;
  release: Release;
  onRollback: () => void;
}

function ReleaseRow({ project, app, release, onRollback }: RowProps) {
  const began = instant(release.startedAt);
  const finished = instant(release.finishedAt);
  const current = release.revision === app.revision;
  return (
    <Table.Tr>
      <Table.Td style={{ whiteSpace: "nowrap" }}>
        {release.correlationId ? (
          <Link
            to={`/projects/${project}/journeys/${release.correlationId}`}
            className="cover"
            title="Show its journey"
          >
            {release.revision}
          </Link>
        ) : (
          <strong>{release.revision}</strong>
        )}
        {current && (
          <Text span fz={13} c="dimmed" ml={8}>
            current
          </Text>
        )}
      </Table.Td>
      <Table.Td miw={150} maw={300}>
        <State of={release.phase} />
        {release.reason && (
          <Text fz={13} c="dimmed" mt={4} title={release.detail} lineClamp={3}>
            {release.detail ? `${release.reason}: ${release.detail}` : release.reason}
          </Text>
        )}
      </Table.Td>
      <Table.Td className="grow">
        {release.sha ? (
          <Group gap={8} wrap="nowrap">
            <span className="mono">{short(release.sha)}</span>
            <Text fz={14} truncate title={release.message}>
              {release.message}
            </Text>
          </Group>
        ) : (
          <Text fz={14} c="dimmed">
            {release.image ? image(release.image) : "–"}
          </Text>
        )}
      </Table.Td>
      <Table.Td>{release.cause}</Table.Td>
      <Table.Td>
        <When at={release.startedAt} />
      </Table.Td>
      <Table.Td style={{ whiteSpace: "nowrap" }}>
        {began !== undefined && finished !== undefined ? duration(finished - began) : "–"}
      </Table.Td>
      <Table.Td ta="right">
        {!current && (release.phase === "succeeded" || release.phase === "superseded") && (
          <Button variant="default" size="compact-sm" className="above" onClick={onRollback}>
            Roll back to {release.revision}
          </Button>
        )}
      </Table.Td>
    </Table.Tr>
  );
}

interface DialogProps {
  project: string;
  app: App;
  release: Release | undefined;
  onClose: () => void;
}

function RollbackDialog({ project, app, release, onClose }: DialogProps) {
  const rollback = useRollback(project, app.name);
  const close = () => {
    rollback.reset();
    onClose();
  };
  const run = () => {
    if (!release) return;
    rollback.mutate(release.revision, {
      onSuccess: () => {
        notifications.show({
          color: "hydra",
          title: "Roll-back requested",
          message: `${app.name} goes back to revision ${release.revision}.`,
        });
        close();
      },
    });
  };
  return (
    <Modal
      opened={release !== undefined}
      onClose={close}
      title={<Text fw={650}>Roll back {app.name}</Text>}
      centered
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Text>
        {app.name} of project {project} goes from revision {app.revision} back to revision {release?.revision}
        {release?.message ? `, “${release.message}”` : ""}. It is rolled out like any other revision.
      </Text>
      {rollback.error && <Failure error={rollback.error} />}
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={close}>
          Keep revision {app.revision}
        </Button>
        <Button color="red.9" onClick={run} loading={rollback.isPending}>
          Roll back to {release?.revision}
        </Button>
      </Group>
    </Modal>
  );
}
