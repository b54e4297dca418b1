// SPDX-License-Identifier: Apache-2.0

import { Alert, Button, Skeleton, Stack, Text, Title } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { ApiError } from "../api/client";
import { Command } from "./command";

/** Nothing is here yet: says why, and what to run next. */
export function Empty({
  title,
  children,
  commands = [],
}: {
  title: string;
  children?: ReactNode;
  commands?: string[];
}) {
  return (
    <Stack align="center" gap="sm" py={48} px="md" ta="center">
      <Title order={3} fz={18}>
        {title}
      </Title>
      {children && (
        <Text c="dimmed" maw={540}>
          {children}
        </Text>
      )}
      {commands.map((command) => (
        <Command key={command}>{command}</Command>
      ))}
    </Stack>
  );
}

/** What went wrong, in the server's words, with a way to try again. */
export function Failure({ error, retry }: { error: Error; retry?: () => void }) {
  const title = error instanceof ApiError ? error.title : "The gateway did not answer";
  return (
    <Alert role="alert" color="red" variant="light" icon={<IconAlertTriangle />} title={title} my="md">
      <Text size="sm" mb={retry ? "sm" : 0} style={{ overflowWrap: "anywhere" }}>
        {error instanceof ApiError ? error.message : "Is it running? hydra status shows each part of the platform."}
      </Text>
      {retry && (
        <Button size="xs" variant="default" onClick={retry}>
          Try again
        </Button>
      )}
    </Alert>
  );
}

export function Loading({ lines = 4 }: { lines?: number }) {
  return (
    <Stack gap="sm" py="md" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, i) => (
        <Skeleton key={i} height={i === 0 ? 28 : 18} width={`${100 - ((i * 17) % 40)}%`} />
      ))}
    </Stack>
  );
}

/** Shows a query in each of its states; `children` gets the data. */
export function Loaded<T>({
  query,
  children,
  lines,
}: {
  query: UseQueryResult<T>;
  children: (data: T) => ReactNode;
  lines?: number;
}) {
  // Data that was there before an error is better than no data.
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error) return <Failure error={query.error} retry={() => void query.refetch()} />;
  return <Loading {...(lines === undefined ? {} : { lines })} />;
}
