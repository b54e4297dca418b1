// SPDX-License-Identifier: Apache-2.0

import { lazy, Suspense } from "react";
import { createBrowserRouter, Navigate, Outlet, RouterProvider, useLocation } from "react-router";

import { useToken } from "./api/session";
import { ProjectStream } from "./api/stream";
import { Frame } from "./frame";
import { AppsPage } from "./pages/apps";
import { LoginPage } from "./pages/login";
import { NotFoundPage } from "./pages/not-found";
import { ProjectsPage } from "./pages/projects";
import { Loading } from "./parts/feedback";

// Pages that are not the first thing people look at come when they are needed.
const AppPage = lazy(() => import("./pages/app"));
const JourneysPage = lazy(() => import("./pages/journeys"));
const JourneyPage = lazy(() => import("./pages/journey"));
const EventsPage = lazy(() => import("./pages/events"));
const FlowPage = lazy(() => import("./pages/flow"));
const PlatformPage = lazy(() => import("./pages/platform"));

/** Everything but the login page needs a token. */
function Guarded() {
  const token = useToken();
  const { pathname } = useLocation();
  if (token === null) return <Navigate to="/login" replace state={{ from: pathname }} />;
  return (
    <Frame>
      <Suspense fallback={<Loading />}>
        <Outlet />
      </Suspense>
    </Frame>
  );
}

const router = createBrowserRouter([
  { path: "/login", element: <LoginPage /> },
  {
    element: <Guarded />,
    children: [
      { path: "/", element: <ProjectsPage /> },
      {
        path: "/projects/:project",
        element: <ProjectStream />,
        children: [
          { index: true, element: <AppsPage /> },
          { path: "apps/:app/:tab?", element: <AppPage /> },
          { path: "journeys", element: <JourneysPage /> },
          { path: "journeys/:correlation", element: <JourneyPage /> },
          { path: "events", element: <EventsPage /> },
        ],
      },
      { path: "/map", element: <FlowPage /> },
      { path: "/platform", element: <PlatformPage /> },
      { path: "*", element: <NotFoundPage /> },
    ],
  },
]);

export function App() {
  return <RouterProvider router={router} />;
}
