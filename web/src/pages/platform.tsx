// SPDX-License-Identifier: Apache-2.0

import { Table, Text } from "@mantine/core";

import { type Part, usePlatform } from "../api/queries";
import { duration } from "../format/format";
import { Empty, Loaded } from "../parts/feedback";
import { Page } from "../parts/page";
import { State } from "../parts/state";
import { When } from "../parts/when";

/** The parts that `hydra up` supervises. */
export default function PlatformPage() {
  const platform = usePlatform();
  const ready = platform.data?.parts.filter((p) => p.state === "ready").length ?? 0;
  const all = platform.data?.parts.length ?? 0;
  return (
    <Page
      title="Parts"
      lead={
        platform.data?.version
          ? `What this platform runs, version ${platform.data.version}.`
          : "What this platform runs."
      }
      badge={all > 0 ? <State of={worst(platform.data?.parts ?? [])} label={`${ready} of ${all} ready`} /> : undefined}
    >
      <Loaded query={platform}>
        {({ parts }) => (
          <div className="panel">
            {parts.length === 0 ? (
              <Empty title="Nothing is supervised here" commands={["kubectl get pods --namespace hydra-system"]}>
                This gateway runs outside of hydra up. In a cluster Kubernetes looks after the parts:
              </Empty>
            ) : (
              <Parts parts={parts} />
            )}
          </div>
        )}
      </Loaded>
    </Page>
  );
}

/** Not well when a part failed, busy while one is on its way. */
function worst(parts: readonly Part[]): string {
  if (parts.some((p) => p.state === "failed" || p.state === "stopped")) return "degraded";
  return parts.every((p) => p.state === "ready") ? "healthy" : "starting";
}

function Parts({ parts }: { parts: readonly Part[] }) {
  return (
    <Table.ScrollContainer type="native" minWidth={680}>
      <Table className="rows" verticalSpacing="sm" horizontalSpacing="md">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Part</Table.Th>
            <Table.Th>State</Table.Th>
            <Table.Th>Address</Table.Th>
            <Table.Th ta="right">Time to ready</Table.Th>
            <Table.Th ta="right">Restarts</Table.Th>
            <Table.Th>Since</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {parts.map((part) => (
            <Table.Tr key={part.name}>
              <Table.Td fw={600}>{part.name}</Table.Td>
              <Table.Td maw={360}>
                <State of={part.state} />
                {part.reason && (
                  <Text fz={13} c="dimmed" mt={4} style={{ overflowWrap: "anywhere" }}>
                    {part.reason}
                  </Text>
                )}
              </Table.Td>
              <Table.Td className="mono" style={{ overflowWrap: "anywhere" }}>
                {part.address ?? "–"}
              </Table.Td>
              <Table.Td ta="right">{part.readySeconds ? duration(part.readySeconds * 1000) : "–"}</Table.Td>
              <Table.Td ta="right">{part.restarts}</Table.Td>
              <Table.Td>
                <When at={part.since} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
