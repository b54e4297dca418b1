// SPDX-License-Identifier: Apache-2.0

import { ActionIcon, CopyButton, Group, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";

/** A command to run next, ready to be copied. */
export function Command({ children }: { children: string }) {
  return (
    <Group
      gap={6}
      wrap="nowrap"
      className="json"
      p="6px 8px 6px 14px"
      style={{ display: "inline-flex", textAlign: "left" }}
    >
      <code style={{ overflowWrap: "anywhere" }}>{children}</code>
      <CopyButton value={children} timeout={1500}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? "Copied" : "Copy"}>
            <ActionIcon variant="subtle" color="gray" size="sm" onClick={copy} aria-label={`Copy "${children}"`}>
              {copied ? <IconCheck size={15} /> : <IconCopy size={15} />}
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
    </Group>
  );
}
