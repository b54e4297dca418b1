// SPDX-License-Identifier: Apache-2.0

import type { ReactNode } from "react";

const token = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** A value as indented, coloured JSON. */
export function Json({ value }: { value: unknown }) {
  const source = JSON.stringify(value, null, 2);
  const parts: ReactNode[] = [];
  let at = 0;
  for (const match of source.matchAll(token)) {
    parts.push(source.slice(at, match.index));
    const kind = match[2] ? "key" : match[1] ? "string" : "literal";
    parts.push(
      <span key={match.index} className={kind}>
        {match[1] ?? match[0]}
      </span>,
      match[2] ?? "",
    );
    at = match.index + match[0].length;
  }
  parts.push(source.slice(at));
  return (
    // Scrolls, so the keyboard must be able to reach it.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <pre className="json" tabIndex={0}>
      {parts}
    </pre>
  );
}
