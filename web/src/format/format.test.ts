// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";

import { amount, bytes, cores, duration, image, instant, percent, relative, repository, short, stamp } from "./format";

describe("duration", () => {
  it.each([
    [-5, "0 ms"],
    [0.4, "0 ms"],
    [340, "340 ms"],
    [999.6, "1 s"],
    [4230, "4.2 s"],
    [59_960, "1 min"],
    [185_000, "3 min 5 s"],
    [3_600_000, "1 h"],
    [7_830_000, "2 h 11 min"],
    [3 * 86_400_000 + 3_600_000, "3 d 1 h"],
  ])("writes %d ms as %s", (ms, want) => expect(duration(ms)).toBe(want));
});

describe("relative", () => {
  const now = Date.parse("2026-05-01T12:00:00Z");
  it.each([
    [-1_000, "just now"],
    [-42_000, "42 sec. ago"],
    [-119_000, "1 min. ago"],
    [-3 * 3_600_000, "3 hr. ago"],
    [-50 * 3_600_000, "2 days ago"],
    [120_000, "in 2 min."],
  ])("writes a difference of %d ms as %s", (difference, want) => expect(relative(now + difference, now)).toBe(want));
});

describe("instant", () => {
  it("has no value for a missing, zero or malformed time", () => {
    expect([undefined, "", "0001-01-01T00:00:00Z", "soon"].map(instant)).toEqual(Array(4).fill(undefined));
  });
  it("keeps the milliseconds", () => expect(instant("2026-05-01T12:00:00.250Z")).toBe(1777636800250));
});

describe("stamp", () => {
  const noon = new Date(2026, 4, 2, 12, 0, 7, 45).getTime(); // local time, as it is shown
  it("has milliseconds today", () => expect(stamp(noon, noon + 1_000)).toBe("12:00:07.045"));
  it("has the day for what is older", () => expect(stamp(noon, noon + 86_400_000)).toBe("02 May, 12:00"));
});

describe("numbers", () => {
  it("keeps three digits of an amount", () => {
    expect([0, 0.004, 0.254, 1.239, 13, 99.94, 140.6, 9_000, 12_345, 2_500_000].map(amount)).toEqual(
      ["0", "< 0.01", "0.25", "1.24", "13", "99.9", "141", "9000", "12.3k", "2.5M"], // prettier-ignore
    );
  });
  it("writes shares", () =>
    expect([0, 0.0004, 0.034, 0.5, 1].map(percent)).toEqual(["0 %", "< 0.1 %", "3.4 %", "50 %", "100 %"]));
  it("writes bytes", () =>
    expect([0, 1023, 1536, 150 * 1024 ** 2, 2 * 1024 ** 3].map(bytes)).toEqual([
      "0 B",
      "1023 B",
      "1.5 KiB",
      "150 MiB",
      "2 GiB",
    ]));
  it("writes cores", () =>
    expect([0, 0.0001, 0.12, 1, 1.5, 2.25].map(cores)).toEqual(["0", "1 m", "120 m", "1", "1.5", "2.25"]));
});

describe("names", () => {
  it("shortens hashes", () => expect(short("sha256:0123456789abcdef", 12)).toBe("0123456789ab"));
  it("shortens images", () => {
    expect(image("127.0.0.1:7050/acme/shop@sha256:0123456789abcdef")).toBe("acme/shop@0123456789ab");
    expect(image("busybox:1.36")).toBe("busybox:1.36");
  });
  it("shortens repositories", () =>
    expect(repository("https://git.example.org/acme/shop.git")).toBe("git.example.org/acme/shop"));
});
