// SPDX-License-Identifier: Apache-2.0

import { Tooltip } from "@mantine/core";

import { type Snapshot, useFeed } from "../api/stream";
import { State } from "./state";

const marks: Record<Snapshot["state"], { label: string; tone: "good" | "bad" | "busy"; hint: string }> = {
  loading: { label: "connecting", tone: "busy", hint: "Reading the newest events" },
  connecting: { label: "connecting", tone: "busy", hint: "Opening the event stream" },
  open: { label: "live", tone: "good", hint: "This page follows the project's events" },
  retrying: { label: "reconnecting", tone: "busy", hint: "The connection broke; it resumes where it stopped" },
  ended: { label: "offline", tone: "bad", hint: "The stream ended" },
  refused: { label: "offline", tone: "bad", hint: "The gateway refused the stream" },
};

/** Whether what the page shows is up to date. */
export function LiveMark() {
  const { state, detail } = useFeed();
  const mark = marks[state];
  return (
    <Tooltip label={detail ?? mark.hint}>
      <span role="status">
        <State of={mark.label} tone={mark.tone} />
      </span>
    </Tooltip>
  );
}
