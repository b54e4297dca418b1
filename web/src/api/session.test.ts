// SPDX-License-Identifier: Apache-2.0

import { afterEach, describe, expect, it } from "vitest";

import { setToken, takeTokenFromAddress, token } from "./session";

afterEach(() => setToken(null));

describe("takeTokenFromAddress", () => {
  it("keeps the token and cleans the address", () => {
    window.history.replaceState(null, "", "/projects/acme?x=1#token=hy_secret");
    takeTokenFromAddress(window.location, window.history);
    expect(token()).toBe("hy_secret");
    expect(window.location.href).toMatch(/\/projects\/acme\?x=1$/);
  });
  it("leaves any other fragment alone", () => {
    window.history.replaceState(null, "", "/#logs");
    takeTokenFromAddress(window.location, window.history);
    expect(token()).toBeNull();
    expect(window.location.hash).toBe("#logs");
  });
});
