// Steps that the tests of webhooks share; they work with and without JavaScript.
import { expect, type Page } from "./test.ts";

/** Makes a webhook through the form, which the page shows already; returns its page's path and its signing secret. */
export async function create(page: Page, name: string, url: string, events: string[]): Promise<{ path: string; secret: string }> {
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("URL", { exact: true }).fill(url);
  for (const event of events) await page.getByRole("checkbox", { name: event }).check();
  await page.getByRole("button", { name: "Create webhook" }).click();
  return { secret: await shownSecret(page), path: new URL(page.url()).pathname };
}

/** The signing secret that the page shows this once. */
export async function shownSecret(page: Page): Promise<string> {
  const shown = page.getByText(/^whsec_/);
  await expect(page.getByText("Copy it now: you will not see it again.")).toBeVisible();
  return ((await shown.textContent()) ?? "").trim();
}

/** Where the list leads for this name. */
export async function pathOf(page: Page, name: string): Promise<string> {
  await page.goto("/w/acme/webhooks");
  return (await page.getByRole("link", { name, exact: true }).getAttribute("href")) ?? "";
}
