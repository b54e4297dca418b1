// SPDX-License-Identifier: Apache-2.0

// The REST client, typed by the gateway's own OpenAPI document.

import { QueryClient } from "@tanstack/react-query";
import createClient, { type Middleware } from "openapi-fetch";

import type { paths } from "./schema";
import { setToken, token } from "./session";

/** What the gateway answered when it refused or failed a request. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  constructor(
    readonly status: number,
    readonly title: string,
    detail: string,
  ) {
    super(detail);
  }

  static async from(response: Response): Promise<ApiError> {
    const title = response.statusText || `HTTP ${response.status}`;
    try {
      const problem = (await response.clone().json()) as { title?: string; detail?: string };
      return new ApiError(response.status, problem.title ?? title, problem.detail ?? problem.title ?? title);
    } catch {
      return new ApiError(response.status, title, `the gateway answered with HTTP ${response.status}`);
    }
  }
}

const authorize: Middleware = {
  onRequest({ request }) {
    const value = token();
    if (value !== null && !request.headers.has("authorization"))
      request.headers.set("authorization", `Bearer ${value}`);
    return request;
  },
  async onResponse({ request, response }) {
    if (response.ok) return;
    // A token that was revoked or expired is of no more use: back to the login.
    if (response.status === 401 && request.headers.get("authorization") === `Bearer ${token() ?? ""}`) setToken(null);
    throw await ApiError.from(response);
  },
};

export const api = createClient<paths>({ baseUrl: window.location.origin });
api.use(authorize);

/** The body of an answer. Errors were thrown before; a missing body is one. */
export async function body<T>(answer: Promise<{ data?: T; response: Response }>): Promise<T> {
  const { data, response } = await answer;
  if (data === undefined) throw new ApiError(response.status, "Empty answer", "the gateway answered without a body");
  return data;
}

/** Tries a token. Throws ApiError when the gateway does not accept it. */
export async function check(value: string): Promise<void> {
  await api.GET("/api/v1/whoami", { headers: { authorization: `Bearer ${value}` } });
}

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What the gateway refused it will refuse again; the rest is worth two more attempts.
      retry: (count, error) => count < 2 && !(error instanceof ApiError && error.status < 500),
    },
  },
});
