// SPDX-License-Identifier: Apache-2.0

import { Button, Checkbox, Group, Text, TextInput } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useEffect, useMemo, useReducer, useRef, useState } from "react";

import { isObject, text } from "../api/event";
import { token } from "../api/session";
import { follow, type Message, type StreamState } from "../api/sse";
import { clock, instant } from "../format/format";

const kept = 5_000; // lines; older ones leave the page, not the store

interface Line {
  n: number;
  from?: string | undefined; // name of the pod
  time?: string | undefined;
  text: string;
}

interface LogState {
  lines: Line[];
  count: number;
}

function append(state: LogState, action: Line[] | "clear"): LogState {
  if (action === "clear") return { lines: [], count: 0 };
  return { lines: [...state.lines, ...action].slice(-kept), count: state.count + action.length };
}

const notes: Record<StreamState, string> = {
  connecting: "Connecting",
  open: "Live",
  retrying: "Reconnecting",
  ended: "Complete",
  refused: "Refused",
};

interface LogViewProps {
  /** Where the log is; `since` is the time of the last line when it goes on. */
  path: (since?: string) => string;
  name: string;
  empty: string;
}

/** Follows one log, which answers with a server-sent event for each line. */
export function LogView({ path, name, empty }: LogViewProps) {
  const [log, dispatch] = useReducer(append, { lines: [], count: 0 });
  const [state, setState] = useState<[StreamState, string?]>(["connecting"]);
  const [pinned, setPinned] = useState(true);
  const [filter, setFilter] = useState("");
  const box = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const controller = new AbortController();
    let n = 0;
    let waiting: Line[] = [];
    let scheduled = 0;
    let last: string | undefined;
    let resumed = 0; // lines up to this time were received before the connection broke
    dispatch("clear");
    void follow({
      url: () => {
        resumed = instant(last) ?? 0;
        return path(last);
      },
      token: token(),
      signal: controller.signal,
      onState: (next, detail) => setState(detail === undefined ? [next] : [next, detail]),
      onMessage: (message) => {
        const line = readLine(message);
        if (line && (message.id !== undefined || (instant(line.time) ?? Infinity) > resumed)) {
          last = line.time ?? last;
          waiting.push({ n: ++n, ...line });
        }
        // A busy log arrives faster than it can be painted.
        scheduled ||= window.setTimeout(() => {
          scheduled = 0;
          dispatch(waiting);
          waiting = [];
        }, 60);
        return message.event !== "end";
      },
    });
    return () => {
      controller.abort();
      clearTimeout(scheduled);
    };
  }, [path]);

  useEffect(() => {
    if (pinned && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [log, pinned, filter]);

  const shown = useMemo(() => {
    const wanted = filter.toLowerCase();
    return wanted ? log.lines.filter((l) => l.text.toLowerCase().includes(wanted)) : log.lines;
  }, [log, filter]);
  const download = () => {
    const url = URL.createObjectURL(new Blob([log.lines.map((l) => `${l.text}\n`).join("")], { type: "text/plain" }));
    Object.assign(document.createElement("a"), { href: url, download: `${name}.log` }).click();
    URL.revokeObjectURL(url);
  };

  return (
    <>
      <Group justify="space-between" mb="sm" gap="sm">
        <TextInput
          placeholder="Filter lines"
          aria-label="Filter lines"
          value={filter}
          onChange={(e) => setFilter(e.currentTarget.value)}
          w={260}
        />
        <Group gap="md">
          <Text size="sm" c="dimmed" role="status">
            {notes[state[0]]} · {log.count} {log.count === 1 ? "line" : "lines"}
          </Text>
          <Checkbox label="Follow" checked={pinned} onChange={(e) => setPinned(e.currentTarget.checked)} />
          <Button
            variant="default"
            size="compact-sm"
            leftSection={<IconDownload size={14} />}
            onClick={download}
            disabled={log.count === 0}
          >
            Download
          </Button>
        </Group>
      </Group>
      <div
        ref={box}
        className="log"
        role="log"
        aria-label={`Log of ${name}`}
        aria-live="off"
        // Scrolls, so the keyboard must be able to reach it.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        onWheel={(e) => e.deltaY < 0 && setPinned(false)}
      >
        {shown.map((line) => (
          <div key={line.n} className="log-line">
            {line.time && <span>{clock(instant(line.time) ?? 0)}</span>}
            {line.from && <span>{line.from}</span>}
            {line.text}
          </div>
        ))}
        {shown.length === 0 && (
          <div className="log-line">
            <span>
              {state[1] ?? (log.count > 0 ? "No line matches the filter." : state[0] === "connecting" ? "…" : empty)}
            </span>
          </div>
        )}
      </div>
    </>
  );
}

/** Reads one message: a line, a notice about a pod, or the end with its reason. */
export function readLine({ event, data }: Message): Omit<Line, "n"> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return undefined; // Not from this gateway's log; nothing that could be shown.
  }
  if (!isObject(value)) return undefined;
  if (event === "end") {
    const phase = text(value, "phase") ?? "ended";
    const reason = text(value, "reason");
    return { text: `(${phase}${reason ? `: ${reason}` : ""})` };
  }
  if (event === "error") return { text: `(${text(value, "detail") ?? "the stream broke off"})` };
  return {
    from: text(value, "pod"),
    time: text(value, "time"),
    text: typeof value.text === "string" ? value.text : "",
  };
}
