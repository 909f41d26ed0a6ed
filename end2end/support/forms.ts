// What is true of every form that is refused without JavaScript.
import type { Locator, Page } from "@playwright/test";
import { expect } from "./test.ts";

/** Presses the button and expects the same page again, with these words as an error and nothing of the form in the address. */
export async function refused(page: Page, button: Locator, words: RegExp): Promise<void> {
  const before = new URL(page.url());
  await button.click();
  await expect(page.getByRole("alert").filter({ hasText: words }).first()).toBeVisible();
  const after = new URL(page.url());
  expect(after.pathname).toBe(before.pathname);
  expect(after.searchParams.get("draft")).toMatch(/^[0-9a-f]{32}$/);
  expect([...after.searchParams.keys()].filter((name) => name.startsWith("__"))).toEqual([]);
}

/** The field was typed into, is not kept, and says so. */
export async function expectToBeEnteredAgain(field: Locator): Promise<void> {
  await expect(field).toHaveValue("");
  await expect(field).toHaveAccessibleDescription(/Enter this again/);
}

/** The banner or line after a save. */
export async function expectSaid(page: Page, words: RegExp): Promise<void> {
  await expect(page.getByText(words).first()).toBeVisible();
}
