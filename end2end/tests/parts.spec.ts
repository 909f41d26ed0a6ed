// What a page loads: the cards need the main file alone, other pages fetch their part of the app's code, and where a part can't
// be had the browser asks for the page whole.
import type { Browser } from "@playwright/test";
import { expect, hydrated, type Page, test, watch } from "../support/test.ts";

const BUDGET = 350_000;
const PART = /\/pkg\/(?!knoxcall\.).*\.wasm$/;

test("the integrations page loads little, and none of the other pages' code", async ({ as, browserName }) => {
  test.skip(browserName !== "chromium", "the only one that says how large an answer was on the wire");
  const page = await as("operator");
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  const sizes = new Map<string, number>();
  const paths = new Map<string, string>();
  session.on("Network.responseReceived", ({ requestId, response }) => paths.set(requestId, new URL(response.url).pathname));
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    const path = paths.get(requestId);
    if (path && !path.startsWith("/api/")) sizes.set(path, encodedDataLength);
  });
  await page.goto("/settings/integrations");
  await hydrated(page);
  await page.waitForLoadState("networkidle");
  const listed = [...sizes].map(([path, size]) => `${path} ${size}`).join("\n");
  expect(sizes.get("/settings/integrations"), listed).toBeGreaterThan(0);
  expect([...sizes.keys()].filter((path) => path.endsWith(".wasm")), listed).toHaveLength(1);
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  console.log(`first load of the integrations page: ${total} bytes\n${listed}`);
  expect(total, listed).toBeLessThan(BUDGET);
});

test("a page of another part is named in its head, and fetched when it is opened from within", async ({ as }) => {
  const page = await as("operator");
  const fetched: string[] = [];
  page.on("request", (request) => {
    if (PART.test(request.url())) fetched.push(new URL(request.url()).pathname);
  });
  await page.goto("/settings/integrations/otlp");
  await hydrated(page);
  const named = await page.locator("head meta[name=part-file]").evaluateAll((files) => files.map((file) => file.getAttribute("content")));
  expect(fetched.length).toBeGreaterThan(0);
  expect([...fetched].sort(), "each once").toEqual([...named].sort());
  // What a link preloads is asked for once more where the browser has no cache to keep it in.
  const asked = await page.evaluate(() => (performance.getEntriesByType("resource") as PerformanceResourceTiming[]).filter(({ name }) => name.endsWith(".wasm")).map(({ initiatorType }) => initiatorType));
  expect(asked).toEqual(Array(fetched.length + 1).fill("fetch"));

  await page.goto("/settings/integrations");
  await hydrated(page);
  await page.evaluate(() => Object.assign(window, { same: true }));
  await page.getByRole("link", { name: "OpenTelemetry export" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "OpenTelemetry export" })).toBeVisible();
  expect(await page.evaluate(() => "same" in window), "without loading a page").toBe(true);
});

test("a page is left with the focus in one of its fields", async ({ as }) => {
  const page = await as("admin");
  const links = page.getByRole("navigation", { name: "Main" });
  await page.goto("/w/acme/agents");
  await hydrated(page);
  for (const [path, label] of [
    ["/w/acme/agents/new", "Slug"],
    ["/w/acme/agents/new", "Credential"],
    ["/w/acme/agents/new", "Allowed models"],
  ] as const) {
    await page.evaluate((path) => document.querySelector<HTMLElement>(`main a[href="${path}"]`)?.click(), path);
    await page.getByLabel(label).focus();
    await page.keyboard.type("not a right one:");
    await page.goBack();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("AI agents");
  }
  // A dialog's field has the focus when the page that was asked for before it comes.
  let come = (): void => {};
  const wanted = new Promise<void>((resolve) => (come = resolve));
  await page.goto("/w/acme");
  await hydrated(page);
  await page.route(/\/pkg\/endpoints\./, async (route) => {
    await wanted;
    await route.continue();
  });
  await links.getByRole("link", { name: "Webhooks" }).click();
  await page.getByRole("button", { name: "Rename" }).click();
  await expect(page.getByRole("dialog").getByRole("textbox")).toBeFocused();
  come();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Webhooks");
  await links.getByRole("link", { name: "Routes" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Routes");
});

test("what is seen comes before the app's code", async ({ as }) => {
  const page = await as("operator");
  const code: string[] = [];
  page.on("request", (request) => {
    if (request.url().endsWith(".wasm")) code.push(request.url());
  });
  // Another file that the head names: when it is there, everything that the head asks for has been asked for.
  const another = page.waitForResponse(/\/pkg\/failure\./);
  let early: string[] | undefined;
  await page.route(/\.css$/, async (route) => {
    await (await another).finished();
    early = [...code];
    await route.continue();
  });
  await page.goto("/settings/integrations/otlp");
  await hydrated(page);
  expect(early, "asked for without the style sheet").toEqual([]);
  expect(code.length).toBeGreaterThan(1);
});

/** A page of the operator's, of whose complaints the test thinks itself: what the app says, and not what the browser says of a request. */
async function complaining(browser: Browser, origin: string, operator: Page): Promise<{ page: Page; complaints: () => string[] }> {
  const context = await browser.newContext({ baseURL: origin, storageState: await operator.context().storageState() });
  const page = await context.newPage();
  const complaints = watch(page);
  return { page, complaints: () => complaints.filter((complaint) => !/Failed to load resource/.test(complaint)) };
}

test("what can't be had early is asked for again by whoever needs it", async ({ browser, knoxcall, as }) => {
  const { page, complaints } = await complaining(browser, knoxcall.console, await as("operator"));
  const asked = new Map<string, number>();
  await page.route(PART, async (route) => {
    const times = (asked.get(route.request().url()) ?? 0) + 1;
    asked.set(route.request().url(), times);
    await (times > 1 ? route.continue() : route.abort());
  });
  await page.goto("/settings/integrations/otlp");
  await hydrated(page);
  expect(asked.size).toBeGreaterThan(0);
  expect([...asked.values()]).toEqual(Array(asked.size).fill(2));
  expect(complaints()).toEqual([]);
  await page.context().close();
});

test("what breaks off because the page is being left is no error, and comes where the page stays", async ({ browser, knoxcall, as }) => {
  const { page, complaints } = await complaining(browser, knoxcall.console, await as("operator"));
  await page.goto("/settings/integrations");
  await hydrated(page);
  await page.evaluate(() => Object.assign(window, { same: true }));
  const broken = new Set<string>();
  await page.route(PART, async (route) => {
    if (broken.has(route.request().url())) return route.continue();
    broken.add(route.request().url());
    // As when a download begins.
    await page.evaluate(() => dispatchEvent(new Event("beforeunload")));
    await route.abort();
  });
  await page.getByRole("link", { name: "OpenTelemetry export" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "OpenTelemetry export" })).toBeVisible();
  expect(await page.evaluate(() => "same" in window), "without loading a page").toBe(true);
  expect(broken.size).toBeGreaterThan(0);
  expect(complaints()).toEqual([]);
  await page.context().close();
});

test("where a part can't be had, the page is asked for whole and works without scripts", async ({ browser, knoxcall, as }) => {
  const state = await (await as("operator")).context().storageState();
  // Of its own: here the browser complains, and should.
  const context = await browser.newContext({ baseURL: knoxcall.console, storageState: state });
  const page = await context.newPage();
  await page.route(PART, (route) => route.fulfill({ status: 404, body: "not found\n" }));
  await page.goto("/settings/integrations");
  await hydrated(page);
  await page.evaluate(() => Object.assign(window, { same: true }));
  await page.getByRole("link", { name: "OpenTelemetry export" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "OpenTelemetry export" })).toBeVisible();
  await expect(page).toHaveURL(/\/settings\/integrations\/otlp$/);
  expect(await page.evaluate(() => "same" in window), "loaded anew").toBe(false);
  await page.getByRole("link", { name: "All integrations" }).click();
  await hydrated(page);
  await context.close();
});
