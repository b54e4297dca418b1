// SPDX-License-Identifier: Apache-2.0

import { Box, Group, Text, Title } from "@mantine/core";
import { type ReactNode, useEffect } from "react";

interface PageProps {
  title: string;
  /** Beside the title, such as a state. */
  badge?: ReactNode;
  /** One line below the title. */
  lead?: ReactNode;
  /** At the right of the title. */
  actions?: ReactNode;
  children: ReactNode;
}

/** One page: its title, in the window too, and its content. */
export function Page({ title, badge, lead, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Hydra`;
  }, [title]);
  return (
    <Box maw={1320} mx="auto">
      <Group justify="space-between" align="flex-start" gap="md" mb="lg" className="page-head">
        <Box style={{ minWidth: 0 }}>
          <Group gap="sm">
            <Title order={1} fz={26} lh={1.25} style={{ overflowWrap: "anywhere" }}>
              {title}
            </Title>
            {badge}
          </Group>
          {lead && (
            <Text c="dimmed" mt={4} component="div">
              {lead}
            </Text>
          )}
        </Box>
        {actions && (
          <Group gap="sm" wrap="nowrap" style={{ flex: "none" }}>
            {actions}
          </Group>
        )}
      </Group>
      {children}
    </Box>
  );
}
