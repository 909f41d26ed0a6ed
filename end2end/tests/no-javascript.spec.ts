// The main forms with JavaScript switched off: everything is a plain form, and every answer is on the page that follows.
import { KnoxCall } from "../support/knoxcall.ts";
import { expect, PASSWORD, test } from "../support/test.ts";

test("set up, create a workspace, and sign out and in again", async ({ page }) => {
  const knoxcall = await KnoxCall.start();
  await page.goto(knoxcall.setupLink());
  await page.getByLabel("Email").fill("ana@example.test");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page).toHaveURL(`${knoxcall.console}/`);

  await page.goto(`${knoxcall.console}/settings/workspaces`);
  await page.getByLabel("Name").fill("Acme");
  await page.getByLabel("Slug").fill("acme");
  await page.getByRole("button", { name: "Create workspace" }).click();
  await expect(page.getByRole("link", { name: "Acme" }).first()).toBeVisible();

  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/sign-in/);
  await page.goto(`${knoxcall.console}/settings/workspaces`);
  await expect(page).toHaveURL(/sign-in\?next=/);
  await page.getByLabel("Email").fill("ana@example.test");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(`${knoxcall.console}/settings/workspaces`);
  await knoxcall.stop();
});

test("a route and a key are created, and the key is shown once", async ({ as }) => {
  const page = await as("admin");
  await page.goto("/w/acme/routes/new");
  await page.getByLabel("Name").fill("Orders");
  await page.getByLabel("Slug").fill("orders");
  await page.getByLabel("Target base URL").fill("http://127.0.0.1:9/v1");
  await page.getByRole("button", { name: "Create route" }).click();
  await expect(page).toHaveURL(/\/w\/acme\/routes\/orders/);
  await expect(page.getByText("http://127.0.0.1:9/v1").first()).toBeVisible();

  await page.goto("/w/acme/keys");
  await page.getByLabel("Name").fill("batch");
  await page.getByRole("button", { name: "Create key" }).click();
  await expect(page.getByText(/tk_[A-Za-z0-9]{20,}/).first()).toBeVisible();
  await page.reload();
  await expect(page.getByText(/tk_[A-Za-z0-9]{20,}/)).toHaveCount(0);
});

test("an export is saved, a wrong one is refused with the rule, and what was saved stays", async ({ as }) => {
  const page = await as("admin");
  const card = "/w/acme/settings/integrations/telemetry";
  await page.goto(card);
  await page.getByLabel("OTLP HTTP endpoint").fill("http://127.0.0.1:9");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText(/^Saved/).first()).toBeVisible();
  await expect(page.getByLabel("OTLP HTTP endpoint")).toHaveValue("http://127.0.0.1:9");

  await page.getByLabel("OTLP HTTP endpoint").fill("http://user:secret@127.0.0.1:9");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText(/leave out the user name and password/).first()).toBeVisible();
  await page.goto(card);
  await expect(page.getByLabel("OTLP HTTP endpoint")).toHaveValue("http://127.0.0.1:9");

  await page.getByLabel("OTLP HTTP endpoint").fill("");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText(/^Saved/).first()).toBeVisible();
});
