// Workspaces and their members with JavaScript switched off.
import { change } from "../../support/audit.ts";
import { expectSaid, refused } from "../../support/forms.ts";
import { expect, test, withServer } from "../../support/test.ts";

test("a workspace is created, renamed, disabled, enabled and deleted", async ({ as }) => {
  const page = await as("operator");
  await page.goto("/settings/workspaces");
  await page.getByLabel("Name").fill("Initech & sons");
  await page.getByLabel("Slug").fill("Not A Slug");
  await refused(page, page.getByRole("button", { name: "Create workspace" }), /use 1 to 63 of a-z/);
  await expect(page.getByLabel("Name")).toHaveValue("Initech & sons");
  await expect(page.getByLabel("Slug")).toHaveValue("Not A Slug");
  await expect(page.getByLabel("Slug")).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("Slug").fill("initech");
  await page.getByRole("button", { name: "Create workspace" }).click();
  await expectSaid(page, /^Workspace created/);
  await expect(page.getByLabel("Name")).toHaveValue("");

  await page.goto("/w/initech");
  await page.getByRole("button", { name: "Rename", exact: true }).click();
  const rename = page.getByRole("dialog");
  await rename.getByLabel("Name").fill("x".repeat(81));
  await refused(page, rename.getByRole("button", { name: "Rename workspace" }), /at most 80 characters/);
  await expect(rename.getByLabel("Name")).toHaveValue("x".repeat(81));
  await rename.getByLabel("Name").fill("Initech");
  await rename.getByRole("button", { name: "Rename workspace" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Initech" })).toBeVisible();

  await page.goto("/settings/workspaces");
  await page.getByRole("button", { name: "Disable Initech" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Disable workspace" }).click();
  await expectSaid(page, /^Workspace disabled/);
  await page.getByRole("button", { name: "Enable" }).click();
  await expectSaid(page, /^Workspace enabled/);

  await page.getByRole("button", { name: "Delete Initech" }).click();
  const remove = page.getByRole("dialog");
  await remove.getByLabel("Confirmation").fill("initec");
  await refused(page, remove.getByRole("button", { name: "Delete workspace" }), /to confirm/);
  await expect(remove.getByLabel("Confirmation")).toHaveValue("initec");
  await remove.getByLabel("Confirmation").fill("initech");
  await remove.getByRole("button", { name: "Delete workspace" }).click();
  await expectSaid(page, /^Workspace deleted/);
  await expect(page.getByRole("link", { name: "Initech" })).toHaveCount(0);
});

test("a question about a workspace of the second page is asked there, and leads back there", async ({ page, upstream }) => {
  test.setTimeout(120_000);
  await withServer(page, upstream.url, "operator", {}, async ({ console: origin }) => {
    const names = Array.from({ length: 50 }, (_, at) => String(at + 1).padStart(2, "0"));
    for (const name of names) await change(page, origin, "/api/directory/create-workspace", { slug: `page-${name}`, name: `Page ${name}` });
    const second = `${origin}/settings/workspaces?page=2`;
    await page.goto(`${origin}/settings/workspaces`);
    await page.getByRole("link", { name: "Next" }).click();
    await expect(page).toHaveURL(second);
    const dialog = page.getByRole("dialog", { name: "Delete Page 50" });
    await page.getByRole("button", { name: "Delete Page 50" }).click();
    await dialog.getByRole("link", { name: "Cancel" }).click();
    await expect(dialog).toHaveCount(0);
    await expect(page).toHaveURL(second);
    await page.getByRole("button", { name: "Delete Page 50" }).click();
    await dialog.getByLabel("Confirmation").fill("page");
    await refused(page, dialog.getByRole("button", { name: "Delete workspace" }), /to confirm/);
    await dialog.getByLabel("Confirmation").fill("page-50");
    await dialog.getByRole("button", { name: "Delete workspace" }).click();
    await expectSaid(page, /^Workspace deleted/);
    await page.goto(second);
    await expect(page.getByRole("button", { name: "Delete Page 49" })).toBeVisible();
    await expect(page.getByRole("button", { name: "Delete Page 50" })).toHaveCount(0);
    await page.getByRole("link", { name: "Previous" }).click();
    await expect(page).toHaveURL(`${origin}/settings/workspaces`);
  });
});

test("a member is added with a link that is shown once, changes roles, and is removed", async ({ as }) => {
  const page = await as("stranger");
  await page.goto("/w/globex/members");
  const long = `${"x".repeat(65)}@globex.test`;
  await page.getByLabel("Email").fill(long);
  await page.getByLabel("Role").selectOption("admin");
  await refused(page, page.getByRole("button", { name: "Add member" }), /not an e-mail address/);
  await expect(page.getByLabel("Email")).toHaveValue(long);
  await expect(page.getByLabel("Role")).toHaveValue("admin");
  await page.getByLabel("Email").fill("new@globex.test");
  await page.getByRole("button", { name: "Add member" }).click();
  await expect(page.getByText(/\/setup\?token=/)).toBeVisible();
  await page.reload();
  await expect(page.getByText(/\/setup\?token=/)).toHaveCount(0);

  await page.getByRole("button", { name: "Make viewer of new@globex.test" }).click();
  await expectSaid(page, /^Role changed/);
  await page.getByRole("button", { name: /^Disable\s+new@/ }).click();
  await expectSaid(page, /^Member disabled/);
  await page.getByRole("button", { name: /^Enable\s+new@/ }).click();
  await expectSaid(page, /^Member enabled/);
  await page.getByRole("button", { name: "Remove new@globex.test" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove member" }).click();
  await expectSaid(page, /^Member removed/);
  await expect(page.getByText("new@globex.test")).toHaveCount(0);
});

test("an operator is added with a link, disabled, enabled and removed", async ({ as }) => {
  const page = await as("operator");
  await page.goto("/settings/operators");
  const long = `${"x".repeat(65)}@example.test`;
  await page.getByLabel("Email").fill(long);
  await refused(page, page.getByRole("button", { name: "Add operator" }), /not an e-mail address/);
  await expect(page.getByLabel("Email")).toHaveValue(long);
  await page.getByLabel("Email").fill("second@example.test");
  await page.getByRole("button", { name: "Add operator" }).click();
  await expect(page.getByText(/\/setup\?token=/).first()).toBeVisible();
  await page.getByRole("button", { name: /^Disable\s+second@/ }).click();
  await expectSaid(page, /^Operator disabled/);
  await page.getByRole("button", { name: /^Enable\s+second@/ }).click();
  await expectSaid(page, /^Operator enabled/);
  await page.getByRole("button", { name: /^Remove\s+second@/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove operator" }).click();
  await expectSaid(page, /^Operator removed/);
});
