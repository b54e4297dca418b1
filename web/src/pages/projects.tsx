// SPDX-License-Identifier: Apache-2.0

import { Group, SimpleGrid, Text, Title } from "@mantine/core";
import { Link } from "react-router";

import { type Project, useApps, useProjects } from "../api/queries";
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

const shownApps = 6;

function ProjectCard({ project }: { project: Project }) {
  const apps = useApps(project.name);
  const list = apps.data ?? [];
  return (
    <article className="panel" style={{ position: "relative", padding: "18px 20px" }}>
      <Group justify="space-between" wrap="nowrap" gap="sm">
        <Title order={2} fz={18}>
          <Link to={`/projects/${project.name}`} className="cover">
            {project.name}
          </Link>
        </Title>
        <Text fz={13} c="dimmed">
          created <When at={project.createdAt} />
        </Text>
      </Group>
      {project.description && (
        <Text c="dimmed" fz={14} mt={2} lineClamp={2}>
          {project.description}
        </Text>
      )}
      {list.length > 0 ? (
        <ul className="card-apps">
          {list.slice(0, shownApps).map((app) => (
            <li key={app.name}>
              <Link to={`/projects/${project.name}/apps/${app.name}`} className="above" style={{ fontSize: 14 }}>
                {app.name}
              </Link>
              <State of={app.status} />
            </li>
          ))}
          {list.length > shownApps && (
            <li>
              <Text fz={14} c="dimmed">
                and {list.length - shownApps} more
              </Text>
            </li>
          )}
        </ul>
      ) : (
        <Text fz={14} c="dimmed" mt="md">
          {apps.error ? `Apps unknown: ${apps.error.message}` : apps.data ? "No app yet." : "Loading its apps"}
        </Text>
      )}
    </article>
  );
}
