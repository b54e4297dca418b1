// SPDX-License-Identifier: Apache-2.0

// The login token lives in this tab's session storage: it survives a reload,
// is not shared with other tabs and is gone when the tab is closed.

import { useSyncExternalStore } from "react";

const key = "hydra-token";
const listeners = new Set<() => void>();

/** The token of this tab, or null when nobody is logged in. */
export function token(): string | null {
  return sessionStorage.getItem(key);
}

export function setToken(value: string | null): void {
  if (value === null) sessionStorage.removeItem(key);
  else sessionStorage.setItem(key, value);
  for (const listener of listeners) listener();
}

/** The token, for components that must render again when it changes. */
export function useToken(): string | null {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, token);
}

/**
 * Takes a token out of the address (`#token=...`) and cleans the address, so
 * that the token stays out of history and bookmarks. A fragment never leaves
 * the browser.
 */
export function takeTokenFromAddress(location: Location, history: History): void {
  const found = new URLSearchParams(location.hash.slice(1)).get("token")?.trim();
  if (!found) return;
  setToken(found);
  history.replaceState(null, "", location.pathname + location.search);
}
