// The audit log with JavaScript switched off.
import { createRoutes } from "../../support/audit.ts";
import { expect, test, withServer } from "../../support/test.ts";

test("the log is filtered, paged, verified and downloaded", async ({ page, upstream }) => {
  test.setTimeout(120_000);
  await withServer(page, upstream.url, "admin", {}, async ({ console: origin }) => {
    await createRoutes(page, origin, upstream.url, 52);
    await page.goto(`${origin}/w/acme/audit`);
    const entries = page.getByRole("table").locator("tbody").getByRole("row");
    await expect(entries).toHaveCount(50);
    await expect(entries.first()).toContainText("route-52");
    await page.getByRole("link", { name: "Older" }).click();
    await expect(entries.first()).toContainText("route-2");
    await page.getByLabel("Resource").fill("route-5");
    await page.getByRole("button", { name: "Filter entries" }).click();
    await expect(entries).toHaveCount(4);
    await expect(page.getByLabel("Resource")).toHaveValue("route-5");
    await page.getByLabel("Action").selectOption("member");
    await page.getByRole("button", { name: "Filter entries" }).click();
    await expect(page.getByRole("heading", { name: "Nothing found" })).toBeVisible();
    await page.getByRole("link", { name: "Show all" }).click();
    await page.getByRole("link", { name: "Verify" }).click();
    await expect(page.getByRole("status").filter({ hasText: "Intact." })).toContainText(/[0-9a-f]{64}/);
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download CSV" }).click()]);
    expect(file.suggestedFilename()).toBe("audit-acme.csv");
  });
});
