// Error tracking in the browser: what arrives at a Sentry server, what must not, and what the person sees. Nothing is built
// in to make the page fail: the tests spoil what it gets (a page that the app can't take over, an answer that it can't read), as an
// extension of the browser or a broken proxy would.
import { type Browser, type BrowserContext, type Page } from "@playwright/test";
import { Bugsink } from "../support/bugsink.ts";
import { KnoxCall } from "../support/knoxcall.ts";
import { Sentry } from "../support/sentry.ts";
import { bootstrap, EMAIL, expect, expectAccessible, expectFits, hydrated, signIn, test as base } from "../support/test.ts";

const UUID = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/;
const PLANTED = {
  token: "tk_planted0123456789abcdef",
  key: "sk-planted0123456789abcdef",
  email: "planted@person.example",
  query: "plantedquery",
  fragment: "plantedfragment",
  ip: "203.0.113.77",
  cookie: "plantedcookie",
};
const MESSAGE = `Bearer ${PLANTED.token} of ${PLANTED.email} from ${PLANTED.ip} with ${PLANTED.key} at https://h.example/p?q=${PLANTED.query}#${PLANTED.fragment} cookie: ${PLANTED.cookie}`;

interface Workers {
  sentry: Sentry;
  tracked: KnoxCall;
}

const test = base.extend<{ fresh: void }, Workers>({
  sentry: [
    async ({}, use) => {
      const sentry = await Sentry.start();
      await use(sentry);
      sentry.stop();
    },
    { scope: "worker" },
  ],
  tracked: [
    async ({ sentry, upstream }, use) => {
      const env = { SENTRY_DSN: sentry.dsn(), SENTRY_ENVIRONMENT: "e2e", SENTRY_RELEASE: "knoxcall@9.9.9" };
      const knoxcall = await KnoxCall.start({ bootstrap: bootstrap(upstream.url), env });
      await use(knoxcall);
      await knoxcall.stop();
    },
    { scope: "worker" },
  ],
  fresh: [
    async ({ sentry }, use) => {
      sentry.received.length = 0;
      sentry.status = 200;
      sentry.headers = {};
      await use();
      expect(sentry.kinds().filter((kind) => kind !== "event"), "events alone are sent").toEqual([]);
    },
    { auto: true },
  ],
});

/** A page of its own, which may throw; what the browser's policy refused is collected. */
async function open(browser: Browser, console: string, email?: string, options: object = {}): Promise<{ page: Page; context: BrowserContext; refused: string[] }> {
  const context = await browser.newContext({ baseURL: console, ...options });
  await context.addCookies([{ name: PLANTED.cookie, value: PLANTED.cookie, url: console }]);
  const page = await context.newPage();
  const refused: string[] = [];
  page.on("console", (message) => {
    if (/Content Security Policy/i.test(message.text())) refused.push(message.text());
  });
  if (email) await signIn(page, console, email);
  return { page, context, refused };
}

/**
 * Makes the app's take-over of the next page fail: before the app starts, there is a text where it expects an element. Not by
 * Playwright's routing, under which requests that may outlive their page arrive without a body.
 */
async function spoil(page: Page): Promise<void> {
  await page.evaluate(() => sessionStorage.setItem("spoil", "once"));
  await page.addInitScript(() => {
    if (sessionStorage.getItem("spoil") === null) return;
    sessionStorage.removeItem("spoil");
    document.addEventListener("readystatechange", () => {
      // The navigation's viewer stays: whose page it is comes from there.
      if (document.readyState === "interactive") document.querySelector("header")?.replaceWith("not the header");
    });
  });
}

/** What the errors that came so far say. */
const messages = (sentry: Sentry) => sentry.events().map((event) => event.exception?.values[0]?.value);

function expectClean(sentry: Sentry): void {
  const bytes = sentry.received.map(({ body }) => body).join("\n");
  for (const planted of [...Object.values(PLANTED), ...Object.values(EMAIL)]) expect(bytes).not.toContain(planted);
  for (const event of sentry.events()) {
    expect(JSON.stringify(event)).not.toMatch(/\d+\.\d+\.\d+\.\d+/);
    expect(event.breadcrumbs).toBeUndefined();
    expect(Object.keys(event.request ?? {})).toEqual(["url"]);
    expect(Object.keys(event.user ?? {}).filter((key) => key !== "id")).toEqual([]);
  }
  for (const { headers } of sentry.received) {
    expect(headers.cookie).toBeUndefined();
    expect(headers.referer).toBeUndefined();
  }
}

test("an uncaught error and an unhandled rejection arrive with their tags and without secrets", async ({ browser, tracked, sentry }) => {
  const { page, context, refused } = await open(browser, tracked.console, EMAIL.admin);
  await page.goto(`/w/acme/routes?q=${PLANTED.query}#${PLANTED.fragment}`);
  await hydrated(page);
  const viewer = page.locator("#viewer");
  const [user, tenant] = [await viewer.getAttribute("data-user"), await viewer.getAttribute("data-tenant")];
  await page.evaluate((message) => void setTimeout(() => { throw new Error(message); }), MESSAGE);
  await expect.poll(() => sentry.events().length).toBe(1);
  await page.evaluate((message) => void Promise.reject(new TypeError(`rejected ${message}`)), MESSAGE);
  await expect.poll(() => sentry.events().length).toBe(2);
  const [thrown, rejected] = sentry.events();
  for (const event of [thrown, rejected]) {
    expect(event?.tags).toMatchObject({ tenant_id: tenant, component: "RouteList" });
    expect(event?.user).toEqual({ id: user });
    expect(event).toMatchObject({ release: "knoxcall@9.9.9", environment: "e2e", level: "error" });
    expect(event?.request?.["url"]).toMatch(/\/w\/acme\/routes$/);
  }
  expect(thrown?.exception?.values[0]).toMatchObject({ type: "Error", mechanism: { type: "auto.browser.global_handlers.onerror", handled: false } });
  expect(thrown?.exception?.values[0]?.value).toContain("[token]");
  expect(rejected?.exception?.values[0]).toMatchObject({ type: "TypeError", mechanism: { type: "auto.browser.global_handlers.onunhandledrejection" } });
  expect(sentry.received[0]?.url).toMatch(/^\/api\/7\/envelope\//);
  await expect(page.getByRole("heading", { level: 1 }), "the page stays").toHaveText("Routes");
  expectClean(sentry);
  expect(refused).toEqual([]);
  await context.close();
});

test("the tags follow the page: another workspace, none, nobody", async ({ browser, tracked, sentry }) => {
  const { page, context } = await open(browser, tracked.console, EMAIL.operator);
  const raise = (text: string) => page.evaluate((text) => void setTimeout(() => { throw new Error(text); }), text);
  await page.goto("/w/globex");
  await hydrated(page);
  await raise("one");
  await expect.poll(() => messages(sentry)).toEqual(["one"]);
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Integrations" }).first().click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Integrations");
  await raise("two");
  await expect.poll(() => messages(sentry)).toEqual(["one", "two"]);
  await context.clearCookies();
  await page.goto("/sign-in");
  await hydrated(page);
  await raise("three");
  await expect.poll(() => messages(sentry)).toEqual(["one", "two", "three"]);
  const [first, , third] = sentry.events();
  expect(first?.tags?.["tenant_id"]).toMatch(/^[\da-f-]{36}$/);
  expect(first?.tags?.["component"]).toBe("WorkspaceOverview");
  expect(third?.tags?.["tenant_id"]).toBeUndefined();
  expect(third?.user).toBeUndefined();
  expect(third?.tags?.["component"]).toBe("SignInPage");
  await context.close();
});

test("whoever leaves before the page's code has come makes no error", async ({ browser, tracked, sentry }) => {
  const { page, context } = await open(browser, tracked.console, EMAIL.admin);
  for (const code of [/\/pkg\/knoxcall\..*\.wasm$/, /\/pkg\/entry\..*\.wasm$/]) {
    await page.route(code, () => {}, { times: 1 });
    const asked = page.waitForRequest(code);
    await page.goto("/w/acme", { waitUntil: "commit" });
    await asked;
    await page.goto("/w/acme/routes");
    await hydrated(page);
  }
  await page.evaluate(() => void setTimeout(() => { throw new Error("the only one"); }));
  await expect.poll(() => messages(sentry)).toEqual(["the only one"]);
  await context.close();
});

test("a panic arrives once, with message, place and stack, and the page says what happened", async ({ browser, tracked, sentry }) => {
  const { page, context, refused } = await open(browser, tracked.console, EMAIL.admin);
  await spoil(page);
  await page.goto(`/w/acme/routes?token=${PLANTED.token}`);
  await expect(page.getByRole("heading", { level: 1, name: "This page stopped working" })).toBeFocused();
  const id = (await page.locator("#failure-id").textContent()) ?? "";
  expect(id).toMatch(UUID);
  await expect(page.getByRole("status")).toContainText("was sent to error tracking");
  await page.evaluate(() => void setTimeout(() => { throw new Error("after the end"); }));
  const [event, ...others] = sentry.events();
  expect(others).toEqual([]);
  expect(event?.event_id).toBe(id.replaceAll("-", ""));
  expect(event).toMatchObject({ level: "fatal", tags: { errorId: id } });
  const exception = event?.exception?.values[0];
  expect(exception).toMatchObject({ type: "WebAssemblyPanic", mechanism: { type: "wasm.panic", handled: false } });
  expect(exception?.value).toMatch(/\(.+\.rs:\d+:\d+\)$/);
  expect(exception?.value).not.toContain(".cargo");
  expect(exception?.stacktrace?.frames.some((frame) => frame.filename?.includes(".wasm"))).toBe(true);
  expectClean(sentry);
  expect(refused).toEqual([]);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("button", { name: "Reload page" })).toBeFocused();
  await page.keyboard.press("Enter");
  await hydrated(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Routes");
  await context.close();
});

test("of a panic in WebKit, too, it arrives where in WebAssembly it was", async ({ browser, tracked, sentry }) => {
  const { page, context } = await open(browser, tracked.console);
  await page.goto("/sign-in");
  await hydrated(page);
  await page.evaluate(() => {
    const stack = `dispatch@${location.origin}/pkg/knoxcall.0123456789abcdef.js:1:17057\n5199@<?>:wasm-function[5199]\n<?>.wasm-function[799]@[wasm code]\nstart@${location.href}:2:758`;
    const report = { kind: "panic", id: "019a1b2c-4111-4111-8111-111111111111", message: "unreachable", stack };
    (window as unknown as { knoxcallErrors: { push(report: object): unknown } }).knoxcallErrors.push(report);
  });
  await expect.poll(() => sentry.events().length).toBe(1);
  const frames = sentry.events()[0]?.exception?.values[0]?.stacktrace?.frames ?? [];
  expect(frames.map(({ filename }) => filename)).toEqual(["app:///sign-in", "wasm://wasm-function[799]", "wasm://wasm-function[5199]", "app:///pkg/knoxcall.0123456789abcdef.js"]);
  await context.close();
});

test("what a boundary catches arrives under the page's name, and the page shows the id", async ({ browser, tracked, sentry }) => {
  const { page, context } = await open(browser, tracked.console, EMAIL.admin);
  await page.goto("/w/acme");
  await hydrated(page);
  const answer = { status: 200, contentType: "application/json", body: `not what was expected ${MESSAGE}` };
  await page.route(`${tracked.console}/api/**`, (route) => route.fulfill(answer), { times: 1 });
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Routes" }).click();
  const view = page.getByRole("alert");
  await expect(view).toContainText("Error ID");
  const id = (await view.locator(".font-mono").textContent()) ?? "";
  expect(id).toMatch(UUID);
  await expect.poll(() => sentry.events().length).toBe(1);
  expect(sentry.events()[0]).toMatchObject({ tags: { errorId: id, component: "RouteList" } });
  expect(sentry.events()[0]?.exception?.values[0]).toMatchObject({ type: "ErrorBoundary", mechanism: { type: "error_boundary", handled: true } });
  await expect(page.getByRole("navigation", { name: "Main" }), "the rest of the page stays").toBeVisible();
  expectClean(sentry);
  await context.close();
});

test("a pause that the tracking server asks for is kept", async ({ browser, tracked, sentry }) => {
  sentry.status = 429;
  sentry.headers = { "X-Sentry-Rate-Limits": "60::organization" };
  const { page, context } = await open(browser, tracked.console);
  await page.goto("/sign-in");
  await hydrated(page);
  const raise = (text: string) => page.evaluate((text) => void setTimeout(() => { throw new Error(text); }), text);
  const told = page.evaluate(() => new Promise((resolve) => {
    const outcomes: string[] = [];
    addEventListener("knoxcall:sent", (event) => {
      outcomes.push((event as CustomEvent<{ outcome: string }>).detail.outcome);
      if (outcomes.length === 2) resolve(outcomes);
    });
  }));
  await raise("first");
  await expect.poll(() => sentry.received.length).toBe(1);
  await page.waitForLoadState("networkidle");
  await raise("second");
  expect(await told).toEqual(["limited", "limited"]);
  expect(sentry.received).toHaveLength(1);
  await context.close();
});

test("without a DSN nothing is fetched and nothing is sent, and a panic is still explained", async ({ browser, knoxcall, sentry }) => {
  const { page, context, refused } = await open(browser, knoxcall.console, EMAIL.admin);
  const requests: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  await page.goto("/w/acme/routes");
  await hydrated(page);
  await page.evaluate(() => void setTimeout(() => { throw new Error("nobody hears"); }));
  await spoil(page);
  await page.reload();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("This page stopped working");
  await expect(page.getByRole("status")).toContainText("browser's console only");
  expect(await page.locator("#failure-id").textContent()).toMatch(UUID);
  expect(requests.filter((url) => url.includes("error-tracking") || !url.startsWith(knoxcall.console))).toEqual([]);
  expect(sentry.received).toEqual([]);
  expect(refused).toEqual([]);
  await context.close();
});

test("the test error is thrown in the browser and its way is told", async ({ browser, tracked, sentry }) => {
  const { page, context } = await open(browser, tracked.console, EMAIL.operator);
  const uncaught: string[] = [];
  page.on("pageerror", (error) => uncaught.push(error.message));
  await page.goto("/settings/integrations/sentry");
  await hydrated(page);
  const button = page.getByRole("button", { name: "Throw test error in this browser" });
  await button.focus();
  await page.keyboard.press("Enter");
  const result = page.getByRole("status").filter({ hasText: "Event ID" });
  await expect(result).toContainText("Sent. The tracking server took the error.");
  expect(uncaught).toEqual(["Test error from the KnoxCall console"]);
  const id = (await result.locator(".font-mono").textContent()) ?? "";
  expect(sentry.events()).toHaveLength(1);
  expect(sentry.events()[0]?.event_id).toBe(id.replaceAll("-", ""));
  expect(sentry.events()[0]?.tags).toMatchObject({ errorId: id, component: "GlobalSentry" });
  await button.click();
  await expect(result).not.toContainText(id);
  await expect(result).toContainText("Sent. The tracking server took the error.");
  expect(messages(sentry)).toEqual(["Test error from the KnoxCall console", "Test error from the KnoxCall console, number 2"]);
  sentry.status = 403;
  await page.reload();
  await hydrated(page);
  await button.click();
  await expect(page.getByRole("alert").filter({ hasText: "Event ID" })).toContainText("403: it doesn't accept the DSN's key");
  await expectAccessible(page);
  await context.close();
});

test("a saved DSN is in effect with the next load, and a cleared one is gone with it", async ({ as, knoxcall, sentry }) => {
  const page = await as("operator");
  await page.goto("/settings/integrations/sentry");
  await hydrated(page);
  const field = page.getByLabel("Sentry DSN — browser (admin UI errors)");
  await field.fill(sentry.dsn("12"));
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("button", { name: "Throw test error in this browser" })).toBeVisible();
  await page.getByRole("button", { name: "Throw test error in this browser" }).click();
  await expect(page.getByText("this page was loaded without a browser DSN")).toBeVisible();
  expect(sentry.received).toEqual([]);
  const outside = await page.request.get(`${knoxcall.console}/sign-in`);
  expect(outside.headers()["content-security-policy"]).toContain(`connect-src 'self' ${sentry.origin};`);
  await page.goto("/settings/integrations/sentry");
  await hydrated(page);
  await page.getByLabel("Sentry DSN — browser (admin UI errors)").fill("");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("No page loads anything of Sentry's.")).toBeVisible();
  const after = await page.request.get(`${knoxcall.console}/sign-in`);
  expect(after.headers()["content-security-policy"]).toContain("connect-src 'self'; font-src");
  expect(await after.text()).not.toContain("error-tracking");
});

test("a server that others wrote takes them: uncaught error, rejection and panic", async ({ browser, upstream }) => {
  test.setTimeout(180_000);
  const bugsink = await Bugsink.start();
  const knoxcall = await KnoxCall.start({ bootstrap: bootstrap(upstream.url), env: { SENTRY_DSN: bugsink.dsn, SENTRY_ENVIRONMENT: "e2e" } });
  try {
    const { page, context, refused } = await open(browser, knoxcall.console, EMAIL.admin);
    await page.goto(`/w/acme/routes?q=${PLANTED.query}`);
    await hydrated(page);
    const viewer = page.locator("#viewer");
    const [user, tenant] = [await viewer.getAttribute("data-user"), await viewer.getAttribute("data-tenant")];
    await page.evaluate((message) => {
      setTimeout(() => { throw new Error(message); });
      void Promise.reject(new TypeError(`rejected ${message}`));
    }, MESSAGE);
    await expect.poll(async () => (await bugsink.events()).length, { timeout: 30_000 }).toBe(2);
    await spoil(page);
    await page.reload();
    await expect(page.getByRole("status")).toContainText("was sent to error tracking");
    const id = await page.locator("#failure-id").textContent();
    await expect.poll(async () => (await bugsink.events()).length, { timeout: 30_000 }).toBe(3);
    const events = await bugsink.events();
    expect(events.map((event) => event.exception?.values[0]?.type).sort()).toEqual(["Error", "TypeError", "WebAssemblyPanic"]);
    for (const event of events) {
      expect(event.tags).toMatchObject({ tenant_id: tenant });
      expect(event).toMatchObject({ environment: "e2e", user: { id: user } });
      expect(event.release).toMatch(/^knoxcall@/);
      for (const planted of [...Object.values(PLANTED), ...Object.values(EMAIL)]) expect(JSON.stringify(event)).not.toContain(planted);
    }
    expect(events.find((event) => event.exception?.values[0]?.type === "WebAssemblyPanic")?.tags).toMatchObject({ errorId: id });
    expect(refused).toEqual([]);
    await context.close();
  } finally {
    await knoxcall.stop();
    await bugsink.stop();
  }
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`the page after a panic, ${colorScheme}: accessible and never too wide`, async ({ browser, knoxcall }) => {
    const { page, context } = await open(browser, knoxcall.console, EMAIL.admin, { colorScheme, reducedMotion: "reduce" });
    for (const width of [1280, 390]) {
      await spoil(page);
      await page.setViewportSize({ width, height: 844 });
      await page.goto("/w/acme/routes");
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("This page stopped working");
      await expectFits(page);
      await expectAccessible(page);
      await page.screenshot({ path: test.info().outputPath(`failure-${colorScheme}-${width}.png`) });
    }
    await context.close();
  });
}
