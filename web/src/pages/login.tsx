// SPDX-License-Identifier: Apache-2.0

import { Button, Center, Group, Paper, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type SyntheticEvent, useEffect, useState } from "react";
import { Navigate, useLocation } from "react-router";

import { ApiError, check } from "../api/client";
import { setToken, useToken } from "../api/session";
import { Command } from "../parts/command";

/** Asks for a token and tries it before it is kept. */
export function LoginPage() {
  const token = useToken();
  const location = useLocation();
  const client = useQueryClient();
  const state = location.state as { from?: string } | null;
  const [value, setValue] = useState("");
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    document.title = "Log in · Hydra";
  }, []);

  if (token !== null) return <Navigate to={state?.from ?? "/"} replace />;

  const submit = async (event: SyntheticEvent) => {
    event.preventDefault();
    const wanted = value.trim();
    if (!wanted) {
      setError("Paste a token first.");
      return;
    }
    setBusy(true);
    setError(undefined);
    try {
      await check(wanted);
      client.clear();
      setToken(wanted);
    } catch (e) {
      setError(explain(e));
    } finally {
      setBusy(false);
    }
  };

  return (
    <Center component="main" mih="100vh" p="md">
      <Paper className="panel" p={{ base: "lg", sm: 36 }} w="100%" maw={460} bg="var(--surface)">
        <form onSubmit={submit} noValidate>
          <Stack gap="lg">
            <Group gap="sm">
              <img src="/favicon.svg" width={38} height={38} alt="" />
              <Title order={1} fz={25}>
                Log in to Hydra
              </Title>
            </Group>
            <PasswordInput
              label="Token"
              description="It stays in this tab and is forgotten when you close it."
              value={value}
              onChange={(e) => setValue(e.currentTarget.value)}
              error={error}
              autoComplete="off"
              spellCheck={false}
              size="md"
              visibilityToggleButtonProps={{ "aria-label": "Show the token" }}
            />
            <Button type="submit" size="md" loading={busy}>
              Log in
            </Button>
            <Stack gap={6}>
              <Text size="sm" c="dimmed">
                No token at hand? hydra up prints one when it starts. This makes another one:
              </Text>
              <div>
                <Command>hydra token create web --admin</Command>
              </div>
            </Stack>
          </Stack>
        </form>
      </Paper>
    </Center>
  );
}

function explain(error: unknown): string {
  if (error instanceof ApiError) return error.status === 401 ? `Not accepted: ${error.message}.` : error.message;
  return "The gateway did not answer. Is Hydra running? Try hydra status in a terminal.";
}
