// SPDX-License-Identifier: Apache-2.0

// Server-sent events over fetch. The browser's own EventSource cannot send an
// Authorization header, so this does its work: parse, reconnect with back-off
// and resume where the stream broke off.

import { EventSourceParserStream } from "eventsource-parser/stream";

export interface Message {
  id: string | undefined;
  event: string | undefined;
  data: string;
}

export type StreamState = "connecting" | "open" | "retrying" | "ended" | "refused";

export interface StreamOptions {
  /** Asked again for each connection. */
  url: () => string;
  token: string | null;
  signal: AbortSignal;
  /** Resume after this id; undefined begins with what happens from now on. */
  lastEventId?: string | undefined;
  /** Returns false when the message says that nothing more will come. */
  onMessage: (message: Message) => boolean | undefined;
  /** `detail` says why the stream was refused or is tried again, in the server's words. */
  onState?: (state: StreamState, detail?: string) => void;
}

const firstDelay = 500;
const longestDelay = 15_000;

/**
 * Follows a stream until the signal aborts, the server refuses it (4xx) or a
 * message ends it. It never throws.
 */
export async function follow(options: StreamOptions): Promise<void> {
  const { signal, onMessage, onState = () => undefined } = options;
  let last = options.lastEventId;
  let delay = firstDelay;
  const over = () => signal.aborted; // asked again after each wait
  while (!over()) {
    onState("connecting");
    let serverDelay: number | undefined;
    let trouble: string | undefined;
    try {
      const response = await fetch(options.url(), {
        signal,
        cache: "no-store",
        headers: {
          accept: "text/event-stream",
          ...(options.token === null ? {} : { authorization: `Bearer ${options.token}` }),
          ...(last === undefined ? {} : { "last-event-id": last }),
        },
      });
      if (response.status >= 400 && response.status < 500 && response.status !== 408 && response.status !== 429) {
        onState("refused", await reason(response));
        return;
      }
      if (!response.ok) trouble = await reason(response);
      else if (response.body) {
        onState("open");
        const messages = response.body
          .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array<ArrayBuffer>>)
          .pipeThrough(new EventSourceParserStream({ onRetry: (ms) => (serverDelay = ms) }));
        const reader = messages.getReader();
        for (let next = await reader.read(); !next.done; next = await reader.read()) {
          delay = firstDelay; // it works again
          if (next.value.id !== undefined) last = next.value.id;
          if (onMessage({ id: next.value.id, event: next.value.event, data: next.value.data }) === false) {
            await reader.cancel();
            onState("ended");
            return;
          }
        }
      }
    } catch {
      // The connection broke, or the signal aborted it; the loop decides.
    }
    if (over()) return;
    onState("retrying", trouble);
    await sleep(serverDelay ?? delay, signal);
    delay = Math.min(delay * 2, longestDelay);
  }
}

/** Why a request was refused: the problem's detail, or the status. */
async function reason(response: Response): Promise<string> {
  try {
    const problem = (await response.json()) as { detail?: string; title?: string };
    return problem.detail ?? problem.title ?? `HTTP ${response.status}`;
  } catch {
    return `HTTP ${response.status}`;
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
