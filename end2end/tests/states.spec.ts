// What a walk over the pages does not meet: open dialogs, refused forms, what is shown once, and errors; accessible, and
// no wider than the window.
import { KnoxCall } from "../support/knoxcall.ts";
import { expect, expectAccessible, expectFits, hydrated, type Page, test } from "../support/test.ts";
import { pathOf } from "../support/webhooks.ts";

async function expectSound(page: Page): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await expectAccessible(page);
  }
  for (const width of [390, 1280]) {
    await page.setViewportSize({ width, height: 900 });
    await expectFits(page);
  }
}

test("the form of a valid setup link", async ({ page }) => {
  const knoxcall = await KnoxCall.start();
  await page.goto(knoxcall.setupLink());
  await hydrated(page);
  await expect(page.getByRole("button", { name: "Create account" })).toBeVisible();
  await expectSound(page);
  await page.close();
  await knoxcall.stop();
});

for (const [path, trigger] of [
  ["/settings/workspaces", "Delete Acme"],
  ["/settings/workspaces", "Disable Acme"],
  ["/w/acme", "Rename"],
  ["/w/acme/routes/billing", "Delete route"],
  ["/w/acme/keys", "Delete default"],
  ["webhook", "Rotate secret"],
  ["webhook", "Delete webhook"],
  ["/w/acme/agents/assistant", "Delete agent"],
  ["/w/acme/members", "Remove viewer@acme.test"],
] as const) {
  test(`the dialog "${trigger}"`, async ({ as }) => {
    const page = await as("operator");
    await page.goto(path === "webhook" ? await pathOf(page, "Incidents") : path);
    await hydrated(page);
    const button = page.getByRole("button", { name: trigger, exact: true });
    await button.click();
    await expect(page.getByRole("dialog")).toBeVisible();
    const field = page.getByRole("dialog").getByRole("textbox");
    if (await field.count()) await expect(field).toBeFocused();
    await expectSound(page);
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toHaveCount(0);
    await expect(button).toBeFocused();
  });
}

test("a key that is shown once, and a refused form", async ({ as }) => {
  const page = await as("stranger");
  await page.goto("/w/globex/keys");
  await hydrated(page);
  await page.getByLabel("Name").fill("shown");
  await page.getByRole("button", { name: "Create key" }).click();
  await expect(page.getByText(/you will not see it again/)).toBeVisible();
  await expectSound(page);
  await page.goto("/w/globex/routes/new");
  await hydrated(page);
  await page.getByLabel("Name").fill("Orders");
  await page.getByLabel("Slug").fill("Not A Slug");
  await page.getByLabel("Target base URL").fill("http://127.0.0.1:9");
  await page.getByRole("button", { name: "Create route" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await expectSound(page);
});

test("a workspace's form keeps what was typed, and is empty once it is saved", async ({ as }) => {
  const page = await as("operator");
  await page.goto("/settings/workspaces");
  await hydrated(page);
  await page.getByLabel("Name").fill("Umbrella");
  await page.getByLabel("Slug").fill("acme");
  await page.getByRole("button", { name: "Create workspace" }).click();
  await expect(page.getByRole("alert")).toContainText("taken already");
  await expect(page.getByLabel("Name")).toHaveValue("Umbrella");
  await page.getByLabel("Slug").fill("umbrella");
  await page.getByRole("button", { name: "Create workspace" }).click();
  await expect(page.getByText("Workspace created.")).toBeVisible();
  await expect(page.getByLabel("Name")).toHaveValue("");
});

test("the search of workspaces says what is listed", async ({ as }) => {
  const page = await as("operator");
  await page.goto("/settings/workspaces");
  await hydrated(page);
  const search = page.getByRole("searchbox", { name: "Search workspaces" });
  await search.fill("no such workspace");
  await search.press("Enter");
  await expect(page.getByRole("heading", { name: "Nothing found" })).toBeVisible();
  await expect(search).toHaveValue("no such workspace");
  await expect(search).toBeFocused();
  await page.getByRole("link", { name: "Show all" }).click();
  await expect(page.getByRole("row").filter({ hasText: "globex" })).toHaveCount(1);
  await expect(search).toHaveValue("");
  await page.goBack();
  await expect(page.getByRole("heading", { name: "Nothing found" })).toBeVisible();
  await expect(search).toHaveValue("no such workspace");
});

test("errors: not there as a viewer, and a page that does not exist", async ({ as }) => {
  const page = await as("viewer");
  for (const path of ["/nothing", "/w/globex", "/w/acme/routes/nothing", "/w/acme/routes/new"]) {
    const response = await page.goto(path);
    expect(response?.status(), path).toBe(404);
    await hydrated(page);
    await expect(page.getByRole("heading", { level: 1, name: "Not found" })).toBeVisible();
    await expectSound(page);
  }
});
