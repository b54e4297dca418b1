// SPDX-License-Identifier: Apache-2.0

import { Tooltip } from "@mantine/core";
import { useEffect, useState } from "react";

import { absolute, instant, relative } from "../format/format";

/** The time, renewed every `interval` ms while `running`. */
export function useNow(interval: number, running = true): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => setNow(Date.now()), interval);
    return () => clearInterval(timer);
  }, [interval, running]);
  return now;
}

/** A moment as relative text, with the exact local time on hover and focus. */
export function When({ at }: { at: string | number | undefined }) {
  const now = useNow(5_000);
  const ms = typeof at === "number" ? at : instant(at);
  if (ms === undefined) return <span aria-label="no time">–</span>;
  return (
    <Tooltip label={absolute(ms)} openDelay={200} events={{ hover: true, focus: true, touch: true }}>
      <time dateTime={new Date(ms).toISOString()} className="above" style={{ whiteSpace: "nowrap" }}>
        {relative(ms, Math.max(now, ms))}
      </time>
    </Tooltip>
  );
}
