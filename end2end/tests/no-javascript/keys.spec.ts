// API keys with JavaScript switched off.
import { expectSaid, refused } from "../../support/forms.ts";
import { expect, test } from "../../support/test.ts";

test("a key is created, shown once, renamed, disabled, enabled and deleted", async ({ as }) => {
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

  await page.getByRole("link", { name: "Rename batch" }).click();
  const row = page.getByRole("row").filter({ has: page.getByRole("button", { name: "Rename key" }) });
  await row.getByLabel("Name").fill("y".repeat(81));
  await refused(page, row.getByRole("button", { name: "Rename key" }), /at most 80 characters/);
  await expect(row.getByLabel("Name")).toHaveValue("y".repeat(81));
  await row.getByLabel("Name").fill("nightly");
  await row.getByRole("button", { name: "Rename key" }).click();
  await expectSaid(page, /^API key renamed/);

  await page.getByRole("button", { name: "Disable nightly" }).click();
  await expectSaid(page, /^API key disabled/);
  await page.getByRole("button", { name: "Enable nightly" }).click();
  await expectSaid(page, /^API key enabled/);
  await page.getByRole("button", { name: "Delete nightly" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete key" }).click();
  await expectSaid(page, /^API key deleted/);
  await expect(page.getByRole("row", { name: /nightly/ })).toHaveCount(0);
});
