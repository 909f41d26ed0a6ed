// Routes and their environments with JavaScript switched off.
import { expectSaid, expectToBeEnteredAgain, refused } from "../../support/forms.ts";
import { expect, test } from "../../support/test.ts";

test.describe.configure({ mode: "serial" });

test("a route is created, edited, disabled and enabled", async ({ as }) => {
  const page = await as("admin");
  await page.goto("/w/acme/routes/new");
  await page.getByLabel("Name").fill("Orders");
  await page.getByLabel("Slug").fill("orders");
  await page.getByLabel("Target base URL").fill("127.0.0.1:9/v1");
  await refused(page, page.getByRole("button", { name: "Create route" }), /start with http:\/\/ or https:\/\//);
  await expect(page.getByLabel("Name")).toHaveValue("Orders");
  await expect(page.getByLabel("Slug")).toHaveValue("orders");
  await expect(page.getByLabel("Target base URL")).toHaveValue("127.0.0.1:9/v1");
  await page.getByLabel("Target base URL").fill("http://127.0.0.1:9/v1");
  await page.getByRole("button", { name: "Create route" }).click();
  await expect(page).toHaveURL(/\/w\/acme\/routes\/orders/);
  await expectSaid(page, /^Route created/);

  await page.getByLabel("Name").fill("Orders of customers");
  await page.getByLabel("Allowed methods").fill("GET, POST");
  await page.getByLabel("Connect timeout").fill("0");
  await page.getByLabel("Rate limit").fill("25");
  await refused(page, page.getByRole("button", { name: "Save", exact: true }), /from 1 to 120000/);
  for (const [label, text] of [["Name", "Orders of customers"], ["Allowed methods", "GET, POST"], ["Connect timeout", "0"], ["Rate limit", "25"]] as const) {
    await expect(page.getByLabel(label)).toHaveValue(text);
  }
  await page.getByLabel("Connect timeout").fill("1500");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expectSaid(page, /^Route saved/);
  await expect(page.getByLabel("Connect timeout")).toHaveValue("1500");

  await page.getByRole("button", { name: "Disable route" }).click();
  await expectSaid(page, /^Route disabled/);
  await page.getByRole("button", { name: "Enable route" }).click();
  await expectSaid(page, /^Route enabled/);
});

test("an environment is added, edited with its headers, made the default, and deleted", async ({ as }) => {
  const page = await as("admin");
  await page.goto("/w/acme/routes/orders");
  await page.getByRole("link", { name: "Add environment" }).click();
  const add = page.getByRole("region", { name: "Add environment" });
  await add.getByLabel("Name").fill("staging");
  await add.getByLabel("Target base URL").fill("http://127.0.0.1:9");
  await add.getByLabel("Injected headers").fill("Host=hunter2");
  await add.getByRole("switch", { name: "Default environment" }).check();
  await refused(page, add.getByRole("button", { name: "Add environment" }), /header that KnoxCall sets itself/);
  await expect(add.getByLabel("Name")).toHaveValue("staging");
  await expect(add.getByLabel("Target base URL")).toHaveValue("http://127.0.0.1:9");
  await expect(add.getByRole("switch", { name: "Default environment" })).toBeChecked();
  await expectToBeEnteredAgain(add.getByLabel("Injected headers"));
  expect(await page.content()).not.toContain("hunter2");
  await add.getByLabel("Injected headers").fill("X-Secret=hunter2");
  await add.getByRole("switch", { name: "Default environment" }).uncheck();
  await add.getByRole("button", { name: "Add environment" }).click();
  await expectSaid(page, /^Environment saved/);
  await expect(page.getByRole("row", { name: /staging/ })).toContainText("X-Secret");

  await page.getByRole("link", { name: "Edit staging" }).click();
  const edit = page.getByRole("region", { name: "Edit staging" });
  await edit.getByLabel("Injected headers").fill("X-Other=hunter3");
  await edit.getByRole("button", { name: "Save environment" }).click();
  await expect(page.getByRole("row", { name: /staging/ })).toContainText("X-Other");
  await page.getByRole("link", { name: "Edit staging" }).click();
  await edit.getByLabel("Name").fill("Not A Name");
  await edit.getByLabel("Clear what is stored").check();
  await refused(page, edit.getByRole("button", { name: "Save environment" }), /use 1 to 63 of a-z/);
  await expect(edit.getByLabel("Name")).toHaveValue("Not A Name");
  await expect(edit.getByLabel("Clear what is stored")).toBeChecked();
  await edit.getByLabel("Name").fill("staging");
  await edit.getByRole("button", { name: "Save environment" }).click();
  await expect(page.getByRole("row", { name: /staging/ })).toContainText("None");

  await page.getByRole("button", { name: "Disable staging" }).click();
  await expectSaid(page, /^Environment disabled/);
  await expect(page.getByRole("row", { name: /staging/ })).toContainText("Disabled");
  await page.getByRole("button", { name: "Enable staging" }).click();
  await expectSaid(page, /^Environment enabled/);

  await page.getByRole("row", { name: /staging/ }).getByRole("button", { name: "Make default" }).click();
  await expect(page.getByRole("row", { name: /staging/ })).toContainText("Default");
  await page.getByRole("button", { name: "Delete production" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete environment" }).click();
  await expectSaid(page, /^Environment deleted/);
  await expect(page.getByRole("row", { name: /production/ })).toHaveCount(0);
});

test("a route is deleted after a confirmation", async ({ as }) => {
  const page = await as("admin");
  await page.goto("/w/acme/routes/orders");
  await page.getByRole("button", { name: "Delete route" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Confirmation").fill("order");
  await refused(page, dialog.getByRole("button", { name: "Delete route" }), /to confirm/);
  await expect(dialog.getByLabel("Confirmation")).toHaveValue("order");
  await dialog.getByLabel("Confirmation").fill("orders");
  await dialog.getByRole("button", { name: "Delete route" }).click();
  await expectSaid(page, /^Route deleted/);
});
