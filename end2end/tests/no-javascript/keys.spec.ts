// API keys with JavaScript switched off.
import { expectSaid, refused } from "../../support/forms.ts";
import { expect, test } from "../../support/test.ts";

test("a key is created, shown once, edited, disabled, enabled and deleted", async ({ as }) => {
  const page = await as("admin");
  await page.goto("/w/acme/keys");
  await page.getByLabel("Name").fill("x".repeat(81));
  await page.getByRole("checkbox", { name: /Billing API/ }).check();
  await refused(page, page.getByRole("button", { name: "Create key" }), /at most 80 characters/);
  await expect(page.getByLabel("Name")).toHaveValue("x".repeat(81));
  await expect(page.getByRole("checkbox", { name: /Billing API/ })).toBeChecked();
  await page.getByLabel("Name").fill("batch");
  await page.getByRole("button", { name: "Create key" }).click();
  await expect(page.getByText(/tk_[A-Za-z0-9]{20,}/).first()).toBeVisible();
  await page.reload();
  await expect(page.getByText(/tk_[A-Za-z0-9]{20,}/)).toHaveCount(0);
  await expect(page.getByRole("row", { name: /batch/ })).toContainText("billing");

  await page.getByRole("link", { name: "Edit batch" }).click();
  const form = page.getByRole("region", { name: "Edit batch" });
  await form.getByLabel("Name").fill("y".repeat(81));
  await form.getByRole("checkbox", { name: /Billing API/ }).uncheck();
  await refused(page, form.getByRole("button", { name: "Save key" }), /at most 80 characters/);
  await expect(form.getByLabel("Name")).toHaveValue("y".repeat(81));
  await expect(form.getByRole("checkbox", { name: /Billing API/ })).not.toBeChecked();
  await form.getByLabel("Name").fill("nightly");
  await form.getByRole("button", { name: "Save key" }).click();
  await expectSaid(page, /^API key saved/);

  await page.getByRole("button", { name: "Disable nightly" }).click();
  await expectSaid(page, /^API key disabled/);
  await page.getByRole("button", { name: "Enable nightly" }).click();
  await expectSaid(page, /^API key enabled/);
  await page.getByRole("button", { name: "Delete nightly" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete key" }).click();
  await expectSaid(page, /^API key deleted/);
  await expect(page.getByRole("row", { name: /nightly/ })).toHaveCount(0);
});
