// The page of error tracking in each of its states, and who may see it.
import { createServer } from "node:net";
import type { KnoxCall } from "../support/knoxcall.ts";
import { Sentry } from "../support/sentry.ts";
import { ACME_KEY, EMAIL, expect, expectAccessible, expectFits, open, type Page, signIn, test, withServer } from "../support/test.ts";

const PAGE = "/settings/integrations/sentry";
const BROWSER = "Sentry DSN — browser (admin UI errors)";
const SERVER = "Sentry DSN — server (backend errors)";

const card = (page: Page, tier: "Server" | "Browser") => page.locator("section").filter({ has: page.getByRole("heading", { level: 2, name: tier, exact: true }) });
const result = (page: Page) => page.getByRole("status", { name: "Test result" });

/** An error of the platform, since the upstream refuses connections. */
async function fail(knoxcall: KnoxCall): Promise<void> {
  const response = await fetch(`${knoxcall.gateway}/x`, { headers: { "x-knoxcall-key": ACME_KEY, "x-knoxcall-route": "billing" } });
  expect(response.status).toBe(502);
  await response.arrayBuffer();
}

/** A port at which nobody listens. */
async function closedPort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("no address");
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${address.port}`;
}

test("off, active and failing, as the traffic goes and without a reload", async ({ page }) => {
  const sentry = await Sentry.start();
  await withServer(page, await closedPort(), "operator", {}, async (knoxcall) => {
    await open(page, knoxcall.console + PAGE);
    await expect(card(page, "Server").locator(".pill")).toHaveText("Off");
    await expect(card(page, "Browser").locator(".pill")).toHaveText("Off");
    await expectAccessible(page);

    await page.getByLabel(SERVER).fill(sentry.dsn());
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await expect(card(page, "Server").locator(".pill")).toHaveText("Active");
    await expect(card(page, "Browser").locator(".pill")).toHaveText("Off");
    await fail(knoxcall);
    await expect(card(page, "Server")).toContainText(/Sent\s*1/);
    expect(sentry.events()).toHaveLength(1);

    // What is typed meanwhile stays.
    await page.getByLabel("Environment").fill("half typed");
    sentry.status = 403;
    const other = await page.context().newPage();
    await other.goto(`${knoxcall.console}/settings/integrations`);
    await fail(knoxcall);
    await expect(card(page, "Server").locator(".pill")).toHaveText("Failing");
    await expect(card(page, "Server")).toContainText("Failing since");
    await expect(card(page, "Server")).toContainText("refused the event (403)");
    await expect(page.getByLabel("Environment")).toHaveValue("half typed");
    await expectAccessible(page);
    await expect(other.locator("li", { hasText: "Error tracking (Sentry)" }).locator(".pill"), "the grid keeps up too").toHaveText("Failing");
    await other.close();
    for (const width of [390, 768, 1280, 1920]) {
      await page.setViewportSize({ width, height: 900 });
      await expectFits(page);
    }
  });
  sentry.stop();
});

test("by keyboard alone: wrong, tested, saved", async ({ page, upstream }) => {
  const sentry = await Sentry.start();
  await withServer(page, upstream.url, "operator", {}, async (knoxcall) => {
    await open(page, knoxcall.console + PAGE);
    const press = async (name: string) => {
      const button = page.getByRole("button", { name, exact: true });
      for (let presses = 0; presses < 30 && !(await button.evaluate((element) => element === document.activeElement)); presses++) {
        await page.keyboard.press("Tab");
      }
      await page.keyboard.press("Enter");
    };
    await page.getByLabel(SERVER).focus();
    await page.keyboard.type("https://nokey.example/1");
    await press("Save");
    await expect(page.getByText(/^This DSN lacks its public key/)).toBeVisible();
    await expect(page.getByLabel(SERVER)).toHaveValue("https://nokey.example/1");

    await page.getByLabel(SERVER).focus();
    await page.keyboard.press("Control+A");
    await page.keyboard.type(sentry.dsn("9"));
    sentry.status = 403;
    await press("Send test error");
    await expect(result(page)).toContainText("refused the event (403)");
    sentry.status = 200;
    await press("Send test error");
    await expect(result(page)).toContainText("Accepted by 127.0.0.1");
    await expect(card(page, "Server").locator(".pill"), "a test saves nothing").toHaveText("Off");
    await page.getByLabel(SERVER).focus();
    await press("Save");
    await expect(card(page, "Server").locator(".pill")).toHaveText("Active");
    await expect(page.getByText(`by ${EMAIL.operator}`)).toBeVisible();
  });
  sentry.stop();
});

test("what the environment manages is shown whole and locked, on the server too", async ({ page, upstream }) => {
  const sentry = await Sentry.start();
  const env = { SENTRY_DSN: sentry.dsn("3"), SENTRY_DSN_BACKEND: sentry.dsn("4"), SENTRY_ENVIRONMENT: "staging", SENTRY_RELEASE: "knoxcall@1.2.3" };
  await withServer(page, upstream.url, "operator", { env }, async (knoxcall) => {
    await open(page, knoxcall.console + PAGE);
    for (const tier of ["Server", "Browser"] as const) await expect(card(page, tier).locator(".pill")).toHaveText("Managed by environment");
    for (const [label, project] of [[BROWSER, "3"], [SERVER, "4"]] as const) {
      await expect(page.getByLabel(label)).toHaveValue(sentry.dsn(project));
      await expect(page.getByLabel(label)).not.toBeEditable();
    }
    await expect(page.getByLabel("Environment")).not.toBeEditable();
    await expect(page.getByText("SENTRY_DSN", { exact: true }).first()).toBeVisible();
    await expect(card(page, "Server")).toContainText("knoxcall@1.2.3 (SENTRY_RELEASE)");
    await expectAccessible(page);
    const refused = await page.request.post(`${knoxcall.console}/api/integrations/save-tracking`, {
      headers: { origin: knoxcall.console, accept: "application/json" },
      form: { "form[dsn_server]": sentry.dsn("5"), "form[generation]": "0" },
    });
    expect(refused.status()).toBe(409);
    expect(await refused.text()).toContain("SentryDsnBackend");
    await page.getByRole("button", { name: "Send test error" }).click();
    await expect(result(page)).toContainText("Accepted by");
    expect(sentry.received.at(-1)?.url).toContain("/api/4/");
  });
  sentry.stop();
});

test("nobody but an operator learns of it", async ({ browser, knoxcall }) => {
  for (const who of ["admin", "viewer", "stranger"] as const) {
    const context = await browser.newContext({ baseURL: knoxcall.console });
    const page = await context.newPage();
    await signIn(page, knoxcall.console, EMAIL[who]);
    expect((await page.goto(PAGE))?.status()).toBe(404);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Not found");
    await expect(page.getByText(/Sentry|Global/)).toHaveCount(0);
    const answer = await page.request.post("/api/integrations/tracking", { headers: { origin: knoxcall.console, accept: "application/json" } });
    expect(answer.status()).toBe(404);
    await context.close();
  }
});
