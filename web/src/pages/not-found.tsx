// SPDX-License-Identifier: Apache-2.0

import { Anchor } from "@mantine/core";
import { Link } from "react-router";

import { Empty } from "../parts/feedback";
import { Page } from "../parts/page";

export function NotFoundPage() {
  return (
    <Page title="Nothing here">
      <Empty title="There is no page at this address">
        <Anchor component={Link} to="/">
          Go to the projects
        </Anchor>
      </Empty>
    </Page>
  );
}
