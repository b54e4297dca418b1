// SPDX-License-Identifier: Apache-2.0

import { Group, Stack, Text } from "@mantine/core";

import { type App, useDecisions } from "../api/queries";
import { amount } from "../format/format";
import { Empty, Loaded } from "../parts/feedback";
import { When } from "../parts/when";

/** What the scaler decided and what it knew when it did. */
export function Decisions({ project, app }: { project: string; app: App }) {
  const decisions = useDecisions(project, app.name);
  const policy = app.scaling;
  return (
    <Stack gap="md">
      {policy && (
        <Text c="dimmed">
          {policy.manual != null
            ? `Fixed at ${policy.manual} replicas by a person.`
            : `Between ${policy.min} and ${policy.max} replicas${policy.requestsPerSecond ? `, ${amount(policy.requestsPerSecond)} requests/s for each` : ""}${policy.cpu ? `, ${amount(policy.cpu)} cores for each` : ""}.`}
        </Text>
      )}
      <Loaded query={decisions}>
        {(list) =>
          list.length === 0 ? (
            <div className="panel">
              <Empty title="No scaling decision yet" commands={[`hydra scale ${app.name}=2 --project ${project}`]}>
                {policy
                  ? "The load has not asked for a change."
                  : "This app has no scaling policy. Add the trait “autoscaler” to its spec, or fix a number:"}
              </Empty>
            </div>
          ) : (
            <Stack component="ol" gap={0} className="panel" p={0} m={0} style={{ listStyle: "none" }}>
              {list.map((d, i) => (
                <li
                  key={`${d.at} ${i}`}
                  style={{ padding: "14px 20px", borderTop: i === 0 ? 0 : "1px solid var(--line)" }}
                >
                  <Group justify="space-between" gap="sm">
                    <Text fw={650} fz={16}>
                      {d.from === d.to ? `stays at ${d.to}` : `${d.from} → ${d.to} replicas`}
                      <Text span c="dimmed" fw={400} fz={14} ml={10}>
                        by {d.signal}
                        {d.proposed !== d.to ? `, ${d.proposed} before limits` : ""}
                      </Text>
                    </Text>
                    <Text fz={14} c="dimmed">
                      <When at={d.at} />
                    </Text>
                  </Group>
                  <Text fz={14} mt={2}>
                    {d.reason}
                  </Text>
                  <Group gap={8} mt={8}>
                    {Object.entries(d.inputs).map(([name, value]) => (
                      <span
                        key={name}
                        className="mono"
                        style={{ background: "var(--code)", padding: "2px 8px", borderRadius: 6 }}
                      >
                        {name} {amount(value)}
                      </span>
                    ))}
                    {d.clamps?.map((clamp) => (
                      <span
                        key={clamp}
                        className="mono"
                        style={{
                          background: "var(--busy-soft)",
                          color: "var(--busy)",
                          padding: "2px 8px",
                          borderRadius: 6,
                        }}
                      >
                        {clamp}
                      </span>
                    ))}
                  </Group>
                </li>
              ))}
            </Stack>
          )
        }
      </Loaded>
    </Stack>
  );
}
