// The requests of a workspace with JavaScript switched off: a reload shows what came, the details open, the filter is a form.
import { send } from "../../support/gateway.ts";
import { expect, test, withServer } from "../../support/test.ts";

test("requests are listed, opened, filtered and paged", async ({ page, upstream }) => {
  await withServer(page, upstream.url, "viewer", {}, async ({ console: origin, gateway }) => {
    await page.goto(`${origin}/w/acme/logs`);
    await expect(page.getByRole("heading", { name: "No requests yet" })).toBeVisible();
    const id = await send(gateway, "/first?status=404");
    for (let n = 1; n <= 50; n += 1) await send(gateway, `/number-${n}`);
    await page.reload();
    const rows = page.getByRole("table").locator("tbody").getByRole("row");
    await expect(rows).toHaveCount(50);
    await expect(rows.first()).toContainText("GET /number-50");
    await page.getByRole("link", { name: "Older" }).click();
    await expect(rows).toHaveCount(1);
    await expect(rows.first()).toContainText("GET /first");
    await expect(page.getByText(id)).toBeHidden();
    await page.locator("summary", { hasText: "GET /first" }).click();
    await expect(page.getByText(id)).toBeVisible();
    await expect(page.getByRole("button", { name: /Copy/ })).toHaveCount(0);
    await page.getByRole("link", { name: "Newest" }).click();
    await page.getByLabel("Status").selectOption("4xx");
    await page.getByRole("button", { name: "Filter requests" }).click();
    await expect(rows).toHaveCount(1);
    await expect(page.getByLabel("Status")).toHaveValue("4xx");
    await page.getByRole("link", { name: "Clear filter" }).click();
    await expect(rows).toHaveCount(50);
  });
});
