// Pages that a browser has kept as they were left. Chromium keeps none under test, so an event says that one is shown again.
import { EMAIL, expect, hydrated, open, type Page, PASSWORD, test } from "../support/test.ts";

const shownAgain = (page: Page) => page.evaluate(() => void setTimeout(() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }))));

test("whoever goes back finds what was typed, and no page of somebody who has signed out", async ({ as }) => {
  const page = await as("admin");
  const name = page.getByLabel("Name", { exact: true });
  const expectToStay = async () => {
    await open(page, "/w/acme/keys");
    await name.fill("half a na");
    await page.evaluate(() => Object.assign(window, { same: true }));
    await shownAgain(page);
    await page.evaluate(() => new Promise((later) => setTimeout(later, 100)));
    expect(await page.evaluate(() => "same" in window)).toBe(true);
    await expect(name).toHaveValue("half a na");
  };
  await expectToStay();

  const other = await page.context().newPage();
  await open(other, "/account");
  await other.getByRole("button", { name: "Sign out" }).click();
  await expect(other).toHaveURL(/\/sign-in/);
  await shownAgain(page);
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await hydrated(page);

  // The page on which somebody has signed in is theirs from then on.
  await page.getByLabel("Email").fill(EMAIL.admin);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(/\/w\/acme\/keys$/);
  await name.fill("half a na");
  await shownAgain(page);
  await expect(name).toHaveValue("half a na");
  await expectToStay();
});
