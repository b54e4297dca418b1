// SPDX-License-Identifier: Apache-2.0

import { beforeEach, describe, expect, it, vi } from "vitest";

import { follow, type Message, type StreamState } from "./sse";

/** A response whose body arrives in the given pieces. */
function stream(...pieces: (string | Uint8Array)[]): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(typeof piece === "string" ? encoder.encode(piece) : piece);
      controller.close();
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

function setup(...answers: (Response | Error)[]) {
  const controller = new AbortController();
  const requests: Headers[] = [];
  const messages: Message[] = [];
  const states: [StreamState, string?][] = [];
  vi.stubGlobal("fetch", (_url: string, init: RequestInit) => {
    requests.push(new Headers(init.headers));
    const answer = answers.shift();
    if (!answer) {
      controller.abort();
      return Promise.reject(new Error("aborted"));
    }
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  });
  return {
    requests,
    messages,
    states,
    run: async (lastEventId?: string) => {
      const running = { now: true };
      const following = follow({
        url: () => "/stream",
        token: "t",
        signal: controller.signal,
        lastEventId,
        onMessage: (m) => {
          messages.push(m);
          return m.event !== "end";
        },
        onState: (state, detail) => states.push(detail === undefined ? [state] : [state, detail]),
      }).finally(() => (running.now = false));
      while (running.now) await vi.advanceTimersByTimeAsync(1_000); // skips the waits between attempts
      await following;
    },
  };
}

describe("follow", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    return () => {
      vi.useRealTimers();
    };
  });

  it("puts messages together however they are cut", async () => {
    const whole = new TextEncoder().encode(
      'id: 7\r\nevent: event\r\ndata: {"a":"ü"}\r\n\r\n: keep-alive\n\ndata: x\ndata: y\n\n',
    );
    const cut = whole.indexOf(0xc3) + 1; // inside the two bytes of ü
    const s = setup(
      stream(whole.slice(0, 4), whole.slice(4, cut), whole.slice(cut), "event: end\ndata: z\n\ndata: never\n\n"),
    );
    await s.run();
    expect(s.messages).toEqual([
      { id: "7", event: "event", data: '{"a":"ü"}' },
      { id: undefined, event: undefined, data: "x\ny" },
      { id: undefined, event: "end", data: "z" },
    ]);
    expect(s.states).toEqual([["connecting"], ["open"], ["ended"]]);
    expect(s.requests[0]?.get("authorization")).toBe("Bearer t");
    expect(s.requests[0]?.has("last-event-id")).toBe(false);
  });

  it("drops a message that was cut off by the end", async () => {
    const s = setup(stream("id: 1\ndata: whole\n\nid: 2\ndata: ha"));
    await s.run();
    expect(s.messages.map((m) => m.data)).toEqual(["whole"]);
  });

  it("resumes after the last whole message, through errors of network and server", async () => {
    const s = setup(
      stream("id: 11\ndata: a\n\nid: 12\ndata: lost"),
      new TypeError("network"),
      new Response("", { status: 503 }),
      stream("id: 12\ndata: b\n\n"),
    );
    await s.run("10");
    expect(s.requests.map((r) => r.get("last-event-id"))).toEqual(["10", "11", "11", "11", "12"]);
    expect(s.messages.map((m) => m.data)).toEqual(["a", "b"]);
    expect(s.states.filter(([state]) => state === "retrying")).toEqual([
      ["retrying"],
      ["retrying"],
      ["retrying", "HTTP 503"],
      ["retrying"],
    ]);
  });

  it("stops when it is refused and says why", async () => {
    const s = setup(Response.json({ title: "Unauthorized", detail: "the token is unknown" }, { status: 401 }));
    await s.run();
    expect(s.states).toEqual([["connecting"], ["refused", "the token is unknown"]]);
    expect(s.requests).toHaveLength(1);
  });
});
