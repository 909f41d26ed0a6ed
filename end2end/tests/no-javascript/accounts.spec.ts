// Setting up, signing in and out, and the password, with JavaScript switched off: every form is a plain form, a refused
// one keeps what was typed, and a secret has to be entered again.
import { expectSaid, expectToBeEnteredAgain, refused } from "../../support/forms.ts";
import { KnoxCall } from "../../support/knoxcall.ts";
import { expect, PASSWORD, test } from "../../support/test.ts";

const NEW_PASSWORD = "another correct horse battery";

test("set up, change the password, sign out and in again", async ({ page }) => {
  const knoxcall = await KnoxCall.start();
  const [email, password] = [page.getByLabel("Email"), page.getByLabel("Password", { exact: true })];
  await page.goto(knoxcall.setupLink());
  await email.fill("ana@example.test");
  await password.fill("hunter2");
  await refused(page, page.getByRole("button", { name: "Create account" }), /use at least 12 characters/);
  await expect(email).toHaveValue("ana@example.test");
  await expectToBeEnteredAgain(password);
  expect(await page.content()).not.toContain("hunter2");
  await page.reload();
  await expect(page.getByRole("alert")).toHaveCount(0);
  await email.fill("ana@example.test");
  await password.fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page).toHaveURL(`${knoxcall.console}/`);

  await page.goto(`${knoxcall.console}/account`);
  const [current, next] = [page.getByLabel("Current password"), page.getByLabel("New password")];
  await current.fill("hunter2hunter2");
  await next.fill(NEW_PASSWORD);
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByText("This is not your current password.")).toBeVisible();
  await expectToBeEnteredAgain(current);
  await expectToBeEnteredAgain(next);
  await current.fill(PASSWORD);
  await next.fill("short");
  await refused(page, page.getByRole("button", { name: "Change password" }), /use at least 12 characters/);
  await current.fill(PASSWORD);
  await next.fill(NEW_PASSWORD);
  await page.getByRole("button", { name: "Change password" }).click();
  await expectSaid(page, /^Password changed/);

  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/sign-in/);
  await page.goto(`${knoxcall.console}/settings/workspaces`);
  await expect(page).toHaveURL(/sign-in\?next=/);
  await email.fill("ana@example.test");
  await password.fill(PASSWORD);
  await refused(page, page.getByRole("button", { name: "Sign in" }), /password is wrong/);
  await expect(email).toHaveValue("ana@example.test");
  await expectToBeEnteredAgain(password);
  await password.fill(NEW_PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(`${knoxcall.console}/settings/workspaces`);
  await knoxcall.stop();
});

test("an address that makes up an error or a draft shows none", async ({ page, knoxcall }) => {
  const error = Buffer.from('"SignInFailed"').toString("base64");
  await page.goto(`${knoxcall.console}/sign-in?__path=%2Fapi%2Faccount%2Fsign-in&__err=${error}`);
  await expect(page).toHaveURL(`${knoxcall.console}/sign-in`);
  await expect(page.getByRole("alert")).toHaveCount(0);
  await page.goto(`${knoxcall.console}/sign-in?draft=0123456789abcdef0123456789abcdef`);
  await expect(page.getByRole("alert")).toHaveCount(0);
});
