// What a page loads: the cards need the main file alone, other pages fetch their part of the app's code, and where a part can't
// be had the browser asks for the page whole.
import { expect, hydrated, test } from "../support/test.ts";

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
  expect(named).toEqual(expect.arrayContaining(fetched));
  expect(new Set(fetched).size, "each once").toBe(fetched.length);

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
