// SPDX-License-Identifier: Apache-2.0

import { Group, SimpleGrid, Text, Title } from "@mantine/core";
import { Link } from "react-router";

import { type App, type Project, useApps, useProjects } from "../api/queries";
import { Empty, Loaded } from "../parts/feedback";
import { Page } from "../parts/page";
import { State } from "../parts/state";
import { When } from "../parts/when";

export function ProjectsPage() {
  const projects = useProjects();
  return (
    <Page title="Projects" lead="Each project has its own apps, namespace, webhooks and events.">
      <Loaded query={projects}>
        {(list) =>
          list.length === 0 ? (
            <div className="panel">
              <Empty title="No project yet" commands={["hydra project create acme"]}>
                A project holds the apps of one team. Create the first one, then give it an app.
              </Empty>
            </div>
          ) : (
            <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="md">
              {list.map((project) => (
                <ProjectCard key={project.name} project={project} />
              ))}
            </SimpleGrid>
          )
        }
      </Loaded>
    </Page>
  );
}

function ProjectCard({ project }: { project: Project }) {
  const apps = useApps(project.name);
  return (
    <article className="panel" style={{ position: "relative", padding: 20 }}>
      <Title order={2} fz={18}>
        <Link to={`/projects/${project.name}`} className="cover">
          {project.name}
        </Link>
      </Title>
      <Text c="dimmed" fz={14} mt={2} lineClamp={2} mih={22}>
        {project.description}
      </Text>
      <Group justify="space-between" mt="lg" gap="xs">
        <Group gap={6}>
          {apps.data ? (
            <Counts apps={apps.data} />
          ) : (
            <Text fz={14} c="dimmed">
              {apps.error ? "apps unknown" : "…"}
            </Text>
          )}
        </Group>
        <Text fz={13} c="dimmed">
          created <When at={project.createdAt} />
        </Text>
      </Group>
    </article>
  );
}

/** How many apps there are in each state. */
function Counts({ apps }: { apps: readonly App[] }) {
  if (apps.length === 0) return <Text fz={14}>no apps yet</Text>;
  const counts = new Map<string, number>();
  for (const app of apps) counts.set(app.status, (counts.get(app.status) ?? 0) + 1);
  return [...counts].map(([status, count]) => <State key={status} of={status} label={`${count} ${status}`} />);
}
