// Switching off and on what a workspace has, and the people who look after it: environments, members, a key's routes, operators.
import { type Page } from "@playwright/test";
import { KnoxCall } from "../support/knoxcall.ts";
import { bootstrap, EMAIL, expect, expectAccessible, expectFits, hydrated, PASSWORD, signIn, test } from "../support/test.ts";

const KEY = "tk_disabling0123456789abcdefghijkl";

/** A server of its own: what is switched off here is needed elsewhere. */
async function withServer(page: Page, upstream: string, identity: keyof typeof EMAIL, work: (knoxcall: KnoxCall) => Promise<void>): Promise<void> {
  const text = bootstrap(upstream).replace('name = "default"', `name = "own"\nkey = "${KEY}"\n[[workspace.api_key]]\nname = "default"`);
  const knoxcall = await KnoxCall.start({ bootstrap: text });
  await signIn(page, knoxcall.console, EMAIL[identity]);
  await work(knoxcall);
  await page.close();
  await knoxcall.stop();
}

async function status(knoxcall: KnoxCall, route: string, environment?: string): Promise<number> {
  const headers: Record<string, string> = { "x-knoxcall-key": KEY, "x-knoxcall-route": route };
  if (environment) headers["x-knoxcall-environment"] = environment;
  const response = await fetch(`${knoxcall.gateway}/x`, { headers });
  await response.arrayBuffer();
  return response.status;
}

/** The page as it is now, at the widths where tables have the least room. */
async function expectSound(page: Page): Promise<void> {
  await expectAccessible(page);
  for (const width of [390, 900, 1280]) {
    await page.setViewportSize({ width, height: 900 });
    await expectFits(page);
    const clipped = await page.locator("main table").evaluateAll((tables) => tables.some((table) => table.scrollWidth > (table.parentElement?.clientWidth ?? 0)));
    expect(clipped, `a table is cut off at ${width}`).toBe(false);
  }
}

test("an environment is disabled and enabled, and requests follow", async ({ page, upstream }) => {
  await withServer(page, upstream.url, "admin", async (knoxcall) => {
    expect(await status(knoxcall, "billing")).toBe(200);
    await page.goto(`${knoxcall.console}/w/acme/routes/billing`);
    await hydrated(page);
    const row = page.getByRole("row", { name: /production/ });
    await row.getByRole("button", { name: "Disable production" }).click();
    await expect(page.getByText("Environment disabled.")).toBeVisible();
    await expect(row.getByText("Disabled")).toBeVisible();
    await expect(row.getByText("Requests that name no environment get a 404.")).toBeVisible();
    await expect(page.getByText("The default environment is disabled")).toBeVisible();
    expect(await status(knoxcall, "billing")).toBe(404);
    expect(await status(knoxcall, "billing", "production")).toBe(404);
    await expectSound(page);
    await row.getByRole("link", { name: "Edit production" }).click();
    await expect(page.getByRole("region", { name: "Edit production" }).getByText("Disabled")).toBeVisible();
    await page.goto(`${knoxcall.console}/w/acme/routes`);
    await expect(page.getByText("production (disabled)")).toBeVisible();
    await page.goto(`${knoxcall.console}/w/acme/routes/billing`);
    await hydrated(page);
    await row.getByRole("button", { name: "Enable production" }).click();
    await expect(row.getByText("Disabled")).toHaveCount(0);
    expect(await status(knoxcall, "billing")).toBe(200);
  });
});

test("a key's name and routes are edited", async ({ page, upstream }) => {
  await withServer(page, upstream.url, "admin", async (knoxcall) => {
    await page.goto(`${knoxcall.console}/w/acme/routes/new`);
    await page.getByLabel("Name").fill("Orders");
    await page.getByLabel("Slug").fill("orders");
    await page.getByLabel("Target base URL").fill(upstream.url);
    await page.getByRole("button", { name: "Create route" }).click();
    await expect(page).toHaveURL(/routes\/orders/);
    expect([await status(knoxcall, "billing"), await status(knoxcall, "orders")]).toEqual([200, 200]);

    await page.goto(`${knoxcall.console}/w/acme/keys`);
    await hydrated(page);
    await page.getByRole("link", { name: "Edit own" }).click();
    const form = page.getByRole("region", { name: "Edit own" });
    await expect(form.getByLabel("Name")).toBeFocused();
    await expectSound(page);
    await form.getByLabel("Name").fill("Batch");
    await form.getByRole("checkbox", { name: "Orders" }).check();
    await form.getByRole("button", { name: "Save key" }).click();
    await expect(page.getByText("API key saved.")).toBeVisible();
    await expect(form).toHaveCount(0);
    await expect(page.getByRole("row", { name: /Batch/ })).toContainText("orders");
    expect([await status(knoxcall, "billing"), await status(knoxcall, "orders")]).toEqual([403, 200]);

    await page.getByRole("link", { name: "Edit Batch" }).click();
    const again = page.getByRole("region", { name: "Edit Batch" });
    await expect(again.getByRole("checkbox", { name: "Orders" })).toBeChecked();
    await expect(again.getByRole("checkbox", { name: "Billing API" })).not.toBeChecked();
    await again.getByRole("link", { name: "Cancel" }).click();
    await expect(again).toHaveCount(0);
  });
});

test("a member is disabled and enabled, and gets another link when the first was lost", async ({ page, browser, upstream }) => {
  await withServer(page, upstream.url, "admin", async (knoxcall) => {
    const context = await browser.newContext({ baseURL: knoxcall.console });
    const theirs = await context.newPage();
    await signIn(theirs, knoxcall.console, EMAIL.viewer);
    expect((await theirs.goto("/w/acme"))?.status()).toBe(200);

    await page.goto(`${knoxcall.console}/w/acme/members`);
    await hydrated(page);
    const row = page.getByRole("row", { name: new RegExp(EMAIL.viewer) });
    await row.getByRole("button", { name: `Disable ${EMAIL.viewer}` }).click();
    await expect(row.getByText("Disabled", { exact: true })).toBeVisible();
    expect((await theirs.goto("/w/acme"))?.status()).toBe(404);
    await expect(theirs.getByText("Acme", { exact: true })).toHaveCount(0);
    await row.getByRole("button", { name: `Enable ${EMAIL.viewer}` }).click();
    await expect(row.getByText("Disabled", { exact: true })).toHaveCount(0);
    expect((await theirs.goto("/w/acme"))?.status()).toBe(200);
    await context.close();

    await page.getByLabel("Email").fill("new@acme.test");
    await page.getByRole("button", { name: "Add member" }).click();
    const link = page.getByText(/\/setup\?token=/);
    await expect(link).toBeVisible();
    let before = (await link.textContent()) ?? "";
    for (let round = 0; round < 2; round++) {
      await page.getByRole("button", { name: "New link for new@acme.test" }).click();
      await expect(link).not.toHaveText(before);
      await expect(link).toBeVisible();
      before = (await link.textContent()) ?? "";
    }
    await expectSound(page);
    await page.goto(before.trim());
    await expect(page.getByText("For new@acme.test")).toBeVisible();
  });
});

test("operators are added by a link, disabled and removed, and nobody can remove themselves", async ({ page, browser, upstream }) => {
  await withServer(page, upstream.url, "operator", async (knoxcall) => {
    await page.goto(knoxcall.console);
    await hydrated(page);
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Operators" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Operators" })).toBeVisible();
    const own = page.getByRole("row", { name: new RegExp(EMAIL.operator) });
    await expect(own.getByText("You")).toBeVisible();
    await expect(own.getByRole("button")).toHaveCount(0);

    await page.getByLabel("Email").fill("second@example.test");
    await page.getByRole("button", { name: "Add operator" }).click();
    const shown = page.getByText(/\/setup\?token=/);
    await expect(shown).toBeVisible();
    const first = (await shown.textContent()) ?? "";
    const row = page.getByRole("row", { name: /second@example\.test/ });
    await expect(row.getByText("Invited")).toBeVisible();
    await row.getByRole("button", { name: "New link for second@example.test" }).click();
    await expect(shown).not.toHaveText(first);
    const link = ((await shown.textContent()) ?? "").trim();
    await expectSound(page);

    const context = await browser.newContext({ baseURL: knoxcall.console });
    const theirs = await context.newPage();
    await theirs.goto(link);
    await theirs.getByLabel("Password").fill(PASSWORD);
    await theirs.getByRole("button", { name: "Set password" }).click();
    await expect(theirs.getByRole("heading", { level: 1, name: "Overview" })).toBeVisible();

    await page.goto(`${knoxcall.console}/settings/operators`);
    await hydrated(page);
    await row.getByRole("button", { name: "Disable second@example.test" }).click();
    await expect(row.getByText("Disabled")).toBeVisible();
    await theirs.goto("/");
    await expect(theirs).toHaveURL(/sign-in/);
    await row.getByRole("button", { name: "Enable second@example.test" }).click();
    await expect(row.getByText("Enabled")).toBeVisible();
    await signIn(theirs, knoxcall.console, "second@example.test");
    expect((await theirs.goto("/settings/operators"))?.status()).toBe(200);

    await row.getByRole("button", { name: "Remove second@example.test" }).click();
    const dialog = page.getByRole("dialog", { name: "Remove operator" });
    await dialog.getByRole("button", { name: "Remove operator" }).click();
    await expect(page.getByText("Operator removed.")).toBeVisible();
    await expect(row).toHaveCount(0);
    await signIn(theirs, knoxcall.console, "second@example.test");
    expect((await theirs.goto("/settings/operators"))?.status()).toBe(404);
    await context.close();
  });
});

test("a workspace is disabled, enabled and deleted; what a row asks is made when it is opened", async ({ page, upstream }) => {
  await withServer(page, upstream.url, "operator", async (knoxcall) => {
    await page.goto(`${knoxcall.console}/settings/workspaces`);
    await hydrated(page);
    const row = page.getByRole("row", { name: /globex/ });
    expect(await page.locator("dialog").count()).toBeGreaterThan(3);
    await expect(page.locator("dialog form")).toHaveCount(0);
    await row.getByRole("button", { name: "Disable Globex" }).click();
    await page.getByRole("dialog", { name: "Disable Globex" }).getByRole("button", { name: "Disable workspace" }).click();
    await expect(row.getByText("Disabled")).toBeVisible();
    await row.getByRole("button", { name: "Enable" }).click();
    await expect(row.getByText("Enabled")).toBeVisible();

    const opener = row.getByRole("button", { name: "Delete Globex" });
    const dialog = page.getByRole("dialog", { name: "Delete Globex" });
    for (let round = 0; round < 2; round++) {
      await opener.click();
      await expect(dialog.getByLabel("Confirmation")).toBeFocused();
      await expectAccessible(page);
      await page.keyboard.press("Escape");
      await expect(dialog).toBeHidden();
      await expect(opener).toBeFocused();
    }
    await opener.click();
    await dialog.getByLabel("Confirmation").fill("globe");
    await dialog.getByRole("button", { name: "Delete workspace" }).click();
    await expect(dialog.getByText(/to confirm/).nth(1)).toBeVisible();
    await dialog.getByLabel("Confirmation").fill("globex");
    await dialog.getByRole("button", { name: "Delete workspace" }).click();
    await expect(row).toHaveCount(0);
    await page.goto(`${knoxcall.console}/settings/workspaces?confirm=delete-acme`);
    await hydrated(page);
    await expect(page.getByRole("dialog", { name: "Delete Acme" }).getByLabel("Confirmation")).toBeFocused();
  });
});
