// SPDX-License-Identifier: Apache-2.0

// Walks through the web page of a running Hydra in a real browser, checks that
// each page shows real content, and leaves screenshots in docs/img/.
//
//   HYDRA_URL=http://127.0.0.1:7070 HYDRA_TOKEN=... npm run e2e
//
// HYDRA_PROJECT and HYDRA_APP name what to look at; without them it takes the
// first project that has an app with a release. CHROMIUM is the browser,
// HYDRA_SCREENSHOTS the folder for pictures.
//
// It fails on the first page that does not show what it should, and on any
// console error, page error or request to another host.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type BrowserContext, chromium, type Page } from "playwright-core";

const url = required("HYDRA_URL").replace(/\/$/, "");
const token = required("HYDRA_TOKEN");
const pictures = process.env.HYDRA_SCREENSHOTS ?? new URL("../../docs/img", import.meta.url).pathname;
const size = { width: 1280, height: 800 };

function required(name: string): string {
  const value = process.env[name];
  if (!value) {
    console.error(`${name} is not set. Start the platform with "hydra up"; it prints the address and a token.`);
    process.exit(2);
  }
  return value;
}

/** Asks the gateway directly, so that what the page shows can be compared. */
async function ask<T>(path: string): Promise<T> {
  const response = await fetch(`${url}/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(response.status, 200, `GET /api/v1${path}: ${response.status} ${await response.clone().text()}`);
  return (await response.json()) as T;
}

interface Items<T> {
  items: T[];
}
interface App {
  name: string;
  status: string;
  revision: number;
  url?: string;
}
interface Release {
  revision: number;
  phase: string;
  correlationId?: string;
  message?: string;
}
interface Build {
  id: string;
  phase: string;
}

/** The project and app to look at: the named ones, or the first with a release. */
async function subject(): Promise<{ project: string; app: App }> {
  const projects = process.env.HYDRA_PROJECT
    ? [process.env.HYDRA_PROJECT]
    : (await ask<Items<{ name: string }>>("/projects")).items.map((p) => p.name);
  for (const project of projects) {
    const apps = (await ask<Items<App>>(`/projects/${project}/apps`)).items;
    apps.sort((a, b) => b.revision - a.revision); // the one with the most to show
    const app = apps.find((a) => (process.env.HYDRA_APP ? a.name === process.env.HYDRA_APP : a.revision > 0));
    if (app) return { project, app };
  }
  throw new Error('no app with a release; run "make demo" first, or name one with HYDRA_PROJECT and HYDRA_APP');
}

const problems: string[] = [];
let expected: RegExp | undefined; // a console error that the test itself provokes

function watch(context: BrowserContext): void {
  context.on("console", (message) => {
    if (message.type() === "error" && !expected?.test(message.text()))
      problems.push(`console: ${message.text()} (${message.location().url})`);
  });
  context.on("weberror", (error) => problems.push(`page: ${error.error().message}`));
  context.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== new URL(url).origin && protocol !== "data:" && protocol !== "blob:")
      problems.push(`request to another host: ${request.url()}`);
  });
}

async function shot(page: Page, name: string): Promise<void> {
  await page.mouse.move(2, size.height - 2); // no tooltip in the picture
  await page.waitForTimeout(350); // transitions end
  await page.screenshot({ path: join(pictures, `${name}.png`) });
  console.log(`  docs/img/${name}.png`);
}

/** Everything interactive has a name, and no page scrolls sideways. */
async function sound(page: Page, where: string): Promise<void> {
  const nameless = await page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>("button, a[href], input, [role=button], [role=tab]")]
      .filter((e) => e.offsetParent !== null || e instanceof SVGElement)
      .filter((e) => {
        const labels = e instanceof HTMLInputElement ? e.labels : null;
        return (
          !(e.getAttribute("aria-label") ?? "").trim() &&
          !e.textContent.trim() &&
          !e.getAttribute("aria-labelledby") &&
          !labels?.length
        );
      })
      .map((e) => e.outerHTML.slice(0, 120)),
  );
  assert.deepEqual(nameless, [], `${where}: controls without a name`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${where}: the page is ${wide} px wider than its window`);
  assert.equal(await page.locator("h1").count(), 1, `${where}: one main heading`);
}

async function login(page: Page): Promise<void> {
  await page.goto(`${url}/projects/whatever`); // must lead to the login
  await page.getByRole("heading", { name: "Log in to Hydra" }).waitFor();
  await sound(page, "login");
  await shot(page, "login");
  expected = /401/;
  await page.getByRole("textbox", { name: "Token" }).fill("not-a-token-of-this-platform");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText(/Not accepted/).waitFor();
  expected = undefined;
  await page.goto(`${url}/#token=${encodeURIComponent(token)}`);
  await page.reload(); // a change of the fragment alone loads nothing
  await page.getByRole("heading", { name: "Projects", exact: true }).waitFor();
  assert.ok(!page.url().includes("token"), "the token is gone from the address");
}

async function walk(context: BrowserContext): Promise<void> {
  const page = await context.newPage();
  const { project, app } = await subject();
  const at = (path: string) => `${url}/projects/${project}${path}`;
  await login(page);

  console.log("projects");
  await page.getByRole("link", { name: project, exact: true }).waitFor();
  await sound(page, "projects");
  await shot(page, "projects");
  await page.getByRole("link", { name: project, exact: true }).click();

  console.log("apps");
  const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: app.name, exact: true }) });
  await row.waitFor();
  await page.getByRole("status").getByText("live", { exact: true }).waitFor();
  assert.match(
    (await row.textContent()) ?? "",
    new RegExp(app.url ? app.url.replace(/^https?:\/\//, "").replace(/[.]/g, "\\.") : app.name),
  );
  await sound(page, "apps");
  await shot(page, "apps");
  await page.getByRole("link", { name: app.name, exact: true }).press("Enter"); // by keyboard

  console.log("app");
  const releases = (await ask<Items<Release>>(`/projects/${project}/apps/${app.name}/releases`)).items;
  await page.getByRole("heading", { name: app.name, exact: true }).waitFor();
  await page.getByRole("tab", { name: "Releases" }).waitFor();
  await page.getByRole("row").nth(1).waitFor();
  assert.equal(await page.getByRole("row").count(), releases.length + 1, "one row for each release");
  await sound(page, "app");
  await shot(page, "app");
  const back = page.getByRole("button", { name: /^Roll back to/ }).first();
  if (await back.count()) {
    await back.click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText(/goes from revision/).waitFor();
    await shot(page, "rollback");
    await dialog.getByRole("button", { name: /^Keep revision/ }).click();
    await dialog.waitFor({ state: "hidden" });
  }

  console.log("builds and logs");
  const builds = (await ask<Items<Build>>(`/projects/${project}/apps/${app.name}/builds`)).items;
  await page.getByRole("tab", { name: "Builds" }).click();
  if (builds.length > 0) {
    await page.getByRole("row").nth(1).waitFor();
    await page.getByRole("row").nth(1).getByRole("link").click();
    await page.getByRole("log").locator(".log-line").nth(1).waitFor();
    await page.getByText(/^Complete/).waitFor();
    await sound(page, "logs");
    await shot(page, "logs");
  }

  console.log("metrics and scaling");
  await page.getByRole("tab", { name: "Metrics" }).click();
  await page.getByText("Requests", { exact: false }).first().waitFor();
  const metrics = await ask<{ series: unknown[] }>(`/projects/${project}/apps/${app.name}/metrics`);
  if (metrics.series.length > 1) {
    await page.locator(".chart canvas").nth(5).waitFor();
    assert.equal(await page.locator(".chart canvas").count(), 6, "six charts");
  }
  await sound(page, "metrics");
  await shot(page, "metrics");
  await page.getByRole("tab", { name: "Scaling" }).click();
  const target = await ask<{ decisions?: { reason: string }[] }>(`/projects/${project}/apps/${app.name}/decisions`);
  await page
    .getByText(target.decisions?.[0]?.reason ?? "No scaling decision yet")
    .first()
    .waitFor();
  await sound(page, "scaling");
  await shot(page, "scaling");

  console.log("journeys");
  await page.getByRole("link", { name: "Journeys" }).click();
  await page.getByRole("row").nth(1).waitFor();
  await sound(page, "journeys");
  await shot(page, "journeys");
  const correlation = releases.find((r) => r.correlationId && r.phase === "succeeded")?.correlationId;
  if (correlation) await page.goto(at(`/journeys/${correlation}`));
  else await page.getByRole("row").nth(1).getByRole("link").click();
  await page.getByRole("region", { name: "Waterfall" }).waitFor();
  assert.ok((await page.locator(".bar").count()) >= 2, "a journey has steps");
  await sound(page, "journey");
  await shot(page, "journey");
  await page.locator(".bar").nth(1).click();
  await page.getByRole("region", { name: /^Events of/ }).waitFor();
  assert.match((await page.locator(".json").first().textContent()) ?? "", /"specversion": "1.0"/);

  const failed = releases.find((r) => r.phase === "rolledback" && r.correlationId);
  if (failed?.correlationId) {
    await page.goto(at(`/journeys/${failed.correlationId}`));
    await page.locator(".waterfall .waterfall-reason").first().waitFor();
    await shot(page, "journey-rolled-back");
  }

  console.log("events");
  await page.getByRole("link", { name: "Live events" }).click();
  await page.getByRole("status").getByText("live", { exact: true }).waitFor();
  await page.locator(".event").first().waitFor();
  await sound(page, "events");
  await shot(page, "events");
  const before = await page.locator(".event").count();
  await page.getByLabel("Find text").fill("no event says this");
  await page.getByText("No event matches").waitFor();
  await page.getByLabel("Find text").fill("");
  await page
    .locator(".event")
    .nth(before - 1)
    .waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: /^Resume/ }).click();
  await page.locator(".event").first().click();
  await page.getByRole("dialog").locator(".json").waitFor();
  assert.match((await page.getByRole("dialog").locator(".json").textContent()) ?? "", /"correlationid"|"specversion"/);
  await shot(page, "event");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });

  console.log("map and parts");
  await page.getByRole("link", { name: "Event map" }).click();
  await page.getByRole("button", { name: /^change\.merged/ }).waitFor();
  await page.getByRole("button", { name: /^change\.merged/ }).focus();
  await sound(page, "map");
  await shot(page, "map");
  await page.getByRole("link", { name: "Parts" }).click();
  await page.getByRole("heading", { name: "Parts" }).waitFor();
  await sound(page, "parts");
  await shot(page, "parts");

  console.log("dark and narrow");
  await page.getByRole("button", { name: "Use dark colours" }).click();
  if (correlation) {
    await page.goto(at(`/journeys/${correlation}`));
    await page.getByRole("region", { name: "Waterfall" }).waitFor();
    await shot(page, "journey-dark");
  }
  await page.setViewportSize({ width: 390, height: 844 });
  for (const path of ["", `/apps/${app.name}`, "/journeys", "/events"]) {
    await page.goto(at(path));
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.waitForTimeout(300);
    await sound(page, `narrow ${path}`);
  }
  await page.goto(at(""));
  await page.getByRole("button", { name: "Navigation" }).click();
  await page.getByRole("link", { name: "Live events" }).waitFor();
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByRole("heading", { name: "Log in to Hydra" }).waitFor();
}

const profile = await mkdtemp(join(tmpdir(), "hydra-web-"));
await mkdir(pictures, { recursive: true });
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  viewport: size,
  colorScheme: "light",
  reducedMotion: "reduce",
  locale: "en-GB",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
context.setDefaultTimeout(15_000);
watch(context);
try {
  await walk(context);
  assert.deepEqual(problems, [], "no console error, no page error, no request to another host");
  console.log("the web page works");
} catch (error) {
  const [page] = context.pages().slice(-1);
  await page?.screenshot({ path: join(tmpdir(), "hydra-web-failure.png") }).catch(() => undefined);
  console.error(error, problems);
  console.error(`at ${page?.url() ?? "no page"}; picture in ${join(tmpdir(), "hydra-web-failure.png")}`);
  process.exitCode = 1;
} finally {
  await context.close();
  await rm(profile, { recursive: true, force: true });
}
