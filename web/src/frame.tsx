// SPDX-License-Identifier: Apache-2.0

import {
  ActionIcon,
  Anchor,
  AppShell,
  Burger,
  Group,
  NavLink,
  Select,
  Text,
  Tooltip,
  useComputedColorScheme,
  useMantineColorScheme,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import {
  IconActivity,
  IconApps,
  IconLayoutGrid,
  IconLogout,
  IconMoon,
  IconRoute,
  IconServer,
  IconSitemap,
  IconSun,
} from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { Link, useLocation, useMatch, useNavigate } from "react-router";

import { useProjects, useWhoami } from "./api/queries";
import { setToken } from "./api/session";

/** What surrounds every page: the header, the navigation and the project in view. */
export function Frame({ children }: { children: ReactNode }) {
  const [opened, { toggle, close }] = useDisclosure();
  const { pathname } = useLocation();
  const navigate = useNavigate();
  const projects = useProjects();
  const inView = useMatch("/projects/:project/*")?.params.project;
  // Pages of the whole platform keep the project that was looked at last.
  const [last, setLast] = useState<string>();
  if (inView !== undefined && inView !== last) setLast(inView);
  const project = inView ?? last;
  useEffect(close, [pathname, close]);

  return (
    <AppShell
      header={{ height: 58 }}
      navbar={{ width: 218, breakpoint: "sm", collapsed: { mobile: !opened } }}
      padding={{ base: "md", md: "xl" }}
      styles={{ header: { background: "var(--surface)" }, navbar: { background: "var(--surface)" } }}
    >
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <AppShell.Header px="md">
        <Group h="100%" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Navigation" />
            <Anchor component={Link} to="/" underline="never" c="inherit" aria-label="Hydra, all projects">
              <Group gap={10} wrap="nowrap">
                <img src="/favicon.svg" width={28} height={28} alt="" />
                <Text fw={750} fz={19} visibleFrom="xs">
                  Hydra
                </Text>
              </Group>
            </Anchor>
            <Select
              aria-label="Project"
              placeholder="Choose a project"
              data={(projects.data ?? []).map((p) => p.name)}
              value={project ?? null}
              onChange={(name) => name && void navigate(`/projects/${name}`)}
              allowDeselect={false}
              searchable
              w={200}
              ml={{ base: 0, sm: 34 }}
              comboboxProps={{ shadow: "md" }}
            />
          </Group>
          <Account />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" component="nav" aria-label="Main">
        <Item to="/" label="Projects" icon={<IconLayoutGrid size={18} />} active={pathname === "/"} />
        {project && (
          <>
            <Section>{project}</Section>
            <Item
              to={`/projects/${project}`}
              label="Apps"
              icon={<IconApps size={18} />}
              active={pathname === `/projects/${project}` || pathname.includes("/apps/")}
            />
            <Item
              to={`/projects/${project}/journeys`}
              label="Journeys"
              icon={<IconRoute size={18} />}
              active={pathname.includes("/journeys")}
            />
            <Item
              to={`/projects/${project}/events`}
              label="Live events"
              icon={<IconActivity size={18} />}
              active={pathname.endsWith("/events")}
            />
          </>
        )}
        <Section>platform</Section>
        <Item to="/platform" label="Parts" icon={<IconServer size={18} />} active={pathname === "/platform"} />
        <Item to="/map" label="Event map" icon={<IconSitemap size={18} />} active={pathname === "/map"} />
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1} style={{ outline: "none" }}>
        {children}
      </AppShell.Main>
    </AppShell>
  );
}

function Section({ children }: { children: string }) {
  return (
    <Text fz={12} fw={650} c="dimmed" mt="lg" mb={6} px={12} truncate>
      {children}
    </Text>
  );
}

function Item({ to, label, icon, active }: { to: string; label: string; icon: ReactNode; active: boolean }) {
  return (
    <NavLink
      component={Link}
      to={to}
      label={label}
      leftSection={icon}
      active={active}
      aria-current={active ? "page" : undefined}
      style={{ borderRadius: 8, fontWeight: active ? 600 : 450 }}
    />
  );
}

function Account() {
  const whoami = useWhoami();
  const client = useQueryClient();
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme("light") === "dark";
  return (
    <Group gap="xs" wrap="nowrap">
      <Text size="sm" c="dimmed" visibleFrom="sm">
        {whoami.data?.name}
      </Text>
      <Tooltip label={dark ? "Light" : "Dark"}>
        <ActionIcon
          variant="default"
          size={34}
          onClick={() => setColorScheme(dark ? "light" : "dark")}
          aria-label={dark ? "Use light colours" : "Use dark colours"}
        >
          {dark ? <IconSun size={17} /> : <IconMoon size={17} />}
        </ActionIcon>
      </Tooltip>
      <Tooltip label="Log out">
        <ActionIcon
          variant="default"
          size={34}
          aria-label="Log out"
          onClick={() => {
            setToken(null);
            client.clear();
          }}
        >
          <IconLogout size={17} />
        </ActionIcon>
      </Tooltip>
    </Group>
  );
}
