// Every page: accessible in both themes, no wider than its window from 390 to 1920 pixels, nothing on the console, and
// reachable by keyboard.
import type { Locator } from "@playwright/test";
import { expect, expectAccessible, expectFits, hydrated, open, type Page, test } from "../support/test.ts";
import { pathOf } from "../support/webhooks.ts";

const OPERATOR_PAGES = ["/", "/account", "/settings/integrations", "/settings/integrations/otlp", "/settings/integrations/sentry", "/settings/workspaces", "/settings/operators", "/settings/audit"];
const WORKSPACE_PAGES = [
  "/w/acme",
  "/w/acme/settings/integrations",
  "/w/acme/settings/integrations/telemetry",
  "/w/acme/routes",
  "/w/acme/routes/new",
  "/w/acme/routes/billing",
  "/w/acme/keys",
  "/w/acme/webhooks",
  "/w/acme/webhooks/new",
  "/w/acme/agents",
  "/w/acme/agents/new",
  "/w/acme/agents/assistant",
  "/w/acme/logs",
  "/w/acme/members",
  "/w/acme/audit",
];

/** Those whose address is known only to the server. */
async function webhookPages(page: Page): Promise<string[]> {
  const path = await pathOf(page, "Incidents");
  return [path, `${path}/deliveries`];
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`signed out, ${colorScheme}: accessible and never too wide`, async ({ page, knoxcall }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const path of ["/sign-in", "/setup?token=nothing"]) {
      await page.goto(knoxcall.console + path);
      await hydrated(page);
      await expectAccessible(page);
      await page.setViewportSize({ width: 390, height: 844 });
      await expectFits(page);
      await page.setViewportSize({ width: 1280, height: 900 });
    }
  });

  test(`every page, ${colorScheme}: accessible and never too wide`, async ({ as }) => {
    test.setTimeout(180_000);
    const page = await as("operator");
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const path of [...OPERATOR_PAGES, ...WORKSPACE_PAGES, ...(await webhookPages(page))]) {
      await test.step(path, async () => {
        await page.goto(path);
        await hydrated(page);
        await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
        await expectAccessible(page);
        for (const width of [390, 768, 1280, 1920]) {
          await page.setViewportSize({ width, height: 900 });
          await expectFits(page);
        }
      });
    }
  });
}

test("a viewer reads every page of the workspace and changes nothing", async ({ as }) => {
  const page = await as("viewer");
  for (const path of [...WORKSPACE_PAGES.filter((path) => !path.endsWith("/new")), ...(await webhookPages(page))]) {
    await page.goto(path);
    await hydrated(page);
    await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
    const buttons = page.getByRole("main").getByRole("button", { name: /save|create|delete|disable|enable|add|remove/i });
    await expect(buttons, path).toHaveCount(0);
  }
});

test("what one may not see answers as what is not there", async ({ as }) => {
  const webhooks = await webhookPages(await as("viewer"));
  const page = await as("stranger");
  for (const path of [...WORKSPACE_PAGES, ...webhooks, "/w/nothing", "/settings/workspaces", "/settings/operators", "/settings/integrations", "/settings/integrations/otlp", "/settings/audit", "/nothing"]) {
    const response = await page.goto(path);
    expect(response?.status(), path).toBe(404);
    await expect(page.getByText("Acme")).toHaveCount(0);
  }
});

test("a workspace's admin does not learn that a Global scope exists", async ({ as }) => {
  const page = await as("admin");
  await page.goto("/w/acme/settings/integrations");
  await hydrated(page);
  await expect(page.getByText("Global")).toHaveCount(0);
  await expect(page.getByText("Globex")).toHaveCount(0);
});

test("whoever is not signed in comes back to the page after signing in", async ({ page, knoxcall }) => {
  await page.goto(`${knoxcall.console}/w/acme/routes/billing`);
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await hydrated(page);
  await page.getByLabel("Email").fill("viewer@acme.test");
  await page.getByLabel("Password").fill("correct horse battery staple");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(`${knoxcall.console}/w/acme/routes/billing`);
});

test("the sign-in form says what is wrong and keeps the address", async ({ page, knoxcall }) => {
  await page.goto(`${knoxcall.console}/sign-in`);
  await hydrated(page);
  await page.getByLabel("Email").fill("nobody@example.test");
  await page.getByLabel("Password").fill("not the right one");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("wrong");
  await expect(page.getByLabel("Email")).toHaveValue("nobody@example.test");
});

test("a long line in a card's head wraps beside its button, and a short one keeps its pill", async ({ as }) => {
  const page = await as("operator");
  const top = async (what: Locator) => (await what.boundingBox())?.y ?? Number.NaN;
  await open(page, "/w/acme/routes/billing");
  for (const width of [1280, 900, 768, 600]) {
    await page.setViewportSize({ width, height: 900 });
    const [name, button] = [page.getByRole("heading", { name: "Environments" }), page.getByRole("link", { name: "Add environment" })];
    expect(Math.abs((await top(name)) - (await top(button))), `${width}`).toBeLessThan(16);
    await expectFits(page);
  }
  await open(page, "/settings/integrations/otlp");
  for (const width of [1280, 1100, 390]) {
    await page.setViewportSize({ width, height: 900 });
    const head = page.getByRole("heading", { name: "Health" }).locator("xpath=../..");
    expect(Math.abs((await top(head.getByRole("heading"))) - (await top(head.locator(".pill")))), `${width}`).toBeLessThan(16);
  }
});

test("the theme can be chosen and stays", async ({ as }) => {
  const page = await as("operator");
  await page.emulateMedia({ colorScheme: "light" });
  await page.goto("/");
  await hydrated(page);
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await page.locator("label").filter({ has: page.getByRole("radio", { name: "Dark theme" }) }).click();
  await expect.poll(background).not.toBe(light);
  await page.reload();
  expect(await background()).not.toBe(light);
});

test("what is to be copied is in the clipboard, over plain HTTP too", async ({ as }) => {
  const page = await as("admin");
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const reader = await page.context().newPage();
  await reader.goto(new URL("/favicon.svg", page.url()).href);
  const clipboard = () => reader.bringToFront().then(() => reader.evaluate(() => navigator.clipboard.readText()));
  for (const plain of [false, true]) {
    await reader.bringToFront();
    await reader.evaluate(() => navigator.clipboard.writeText("what was there before"));
    // As browsers do where a page came over plain HTTP from another machine.
    if (plain) await page.addInitScript(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
    await page.bringToFront();
    await page.goto("/w/acme");
    await hydrated(page);
    const button = page.getByRole("button", { name: "Copy command" });
    const shown = (await page.locator("pre", { hasText: "curl" }).textContent()) ?? "";
    await button.press("Enter");
    await expect(page.getByRole("button", { name: "Copied" })).toBeFocused();
    expect(shown).toContain("x-knoxcall-key");
    expect((await clipboard()).trim()).toBe(shown.trim());
  }
  // Nor can it be selected: the button says so.
  await page.bringToFront();
  await page.evaluate(() => Object.defineProperty(document, "execCommand", { value: () => false }));
  await page.getByRole("button", { name: "Copy command" }).click();
  await expect(page.getByRole("button", { name: "Not copied" })).toBeVisible();
});
