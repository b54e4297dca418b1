// SPDX-License-Identifier: Apache-2.0

// How numbers, times and names are written everywhere on the page. All
// functions are pure; what depends on the clock takes it as an argument.

const zero = Date.parse("0001-01-01T00:00:00Z"); // Go's zero time, which some fields carry

/** Milliseconds since the epoch, or undefined for a missing or zero time. */
export function instant(time: string | undefined): number | undefined {
  if (!time) return undefined;
  const at = Date.parse(time);
  return Number.isNaN(at) || at <= zero ? undefined : at;
}

/** A span of time in at most two units: "340 ms", "4.2 s", "3 min 5 s", "2 h 10 min". */
export function duration(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < 1) return "0 ms";
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${trim(ms / 1000, 1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return two(Math.floor(seconds / 60), "min", seconds % 60, "s");
  const minutes = Math.round(seconds / 60);
  if (minutes < 48 * 60) return two(Math.floor(minutes / 60), "h", minutes % 60, "min");
  const hours = Math.round(minutes / 60);
  return two(Math.floor(hours / 24), "d", hours % 24, "h");
}

function two(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`;
}

function trim(value: number, digits: number): string {
  return value.toFixed(digits).replace(/\.0+$/, "");
}

const relativeUnits: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
];

const relativeFormat = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "short" });

/** How long ago (or ahead) a time is: "just now", "5 min. ago", "in 2 hr.". */
export function relative(at: number, now: number): string {
  const difference = at - now;
  if (Math.abs(difference) < 5_000) return "just now";
  const [unit, size] = relativeUnits.find(([, size]) => Math.abs(difference) >= size) ?? (["second", 1_000] as const);
  return relativeFormat.format(Math.trunc(difference / size), unit);
}

/** Date and time in the reader's zone, with the zone's name. */
export function absolute(at: number): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" }).format(at);
}

/** Time of day in the reader's zone with milliseconds, for lists of events. */
export function clock(at: number): string {
  return new Intl.DateTimeFormat("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
  }).format(at);
}

/** The time of day of today, the day and minute of anything older. */
export function stamp(at: number, now: number): string {
  if (new Date(at).toDateString() === new Date(now).toDateString()) return clock(at);
  return new Intl.DateTimeFormat("en-GB", {
    day: "2-digit",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
  }).format(at);
}

/** A count or a rate with three significant digits: "0.25", "13", "1.2k". */
export function amount(value: number): string {
  if (value === 0) return "0";
  if (Math.abs(value) >= 1e6) return `${trim(value / 1e6, 1)}M`;
  if (Math.abs(value) >= 9_999.5) return `${trim(value / 1e3, 1)}k`;
  if (Math.abs(value) >= 100) return String(Math.round(value));
  if (Math.abs(value) < 0.01) return "< 0.01";
  return String(Number(value.toPrecision(Math.abs(value) < 1 ? 2 : 3)));
}

/** A share between 0 and 1 as a percentage. */
export function percent(ratio: number): string {
  const value = ratio * 100;
  if (value > 0 && value < 0.1) return "< 0.1 %";
  return `${trim(value, value < 10 ? 1 : 0)} %`;
}

/** Bytes in binary units. */
export function bytes(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let size = value;
  let unit = 0;
  while (size >= 1023.5 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${trim(size, unit === 0 || size >= 100 ? 0 : 1)} ${units[unit] ?? "B"}`;
}

/** CPU cores, in thousandths below one: "120 m", "1.5". */
export function cores(value: number): string {
  if (value === 0) return "0";
  return value < 0.9995 ? `${Math.max(1, Math.round(value * 1000))} m` : trim(value, 2).replace(/(\.\d)0$/, "$1");
}

/** The first twelve characters of a SHA or digest, without its algorithm. */
export function short(hash: string, length = 8): string {
  return hash.replace(/^sha\d+:/, "").slice(0, length);
}

/** An image reference that a person can read: no registry, a short digest. */
export function image(reference: string): string {
  const [name = "", digest] = reference.split("@");
  const path = name.split("/");
  const bare = path.length > 1 && /[.:]|^localhost$/.test(path[0] ?? "") ? path.slice(1).join("/") : name;
  return digest ? `${bare}@${short(digest, 12)}` : bare;
}

/** A clone URL without its scheme and ".git". */
export function repository(url: string): string {
  return url.replace(/^[a-z+]+:\/\//, "").replace(/\.git$/, "");
}
