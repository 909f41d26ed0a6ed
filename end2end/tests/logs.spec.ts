// The Logs page: requests come in without a reload, stand still while one is read, and are filtered by the address.
import type { Page } from "@playwright/test";
import { send } from "../support/gateway.ts";
import { expect, expectAccessible, expectFits, open, test, withServer } from "../support/test.ts";

const rows = (page: Page) => page.getByRole("table", { name: "Requests, the newest first" }).locator("tbody").getByRole("row");

test("a request is there as soon as it has ended, and its details lead on", async ({ page, upstream }) => {
  await withServer(page, upstream.url, "viewer", {}, async ({ console: origin, gateway }) => {
    await send(gateway, "/before");
    await open(page, `${origin}/w/acme`);
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Logs" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Logs" })).toBeVisible();
    await expect(page.getByRole("heading", { name: "No requests yet" })).toBeVisible();
    await expect(page.locator("pre", { hasText: "curl" })).toContainText("x-knoxcall-route: billing");
    await expectAccessible(page);

    const id = await send(gateway, "/orders/7?token=canary");
    await expect(rows(page)).toHaveCount(1);
    await expect(rows(page).first()).toContainText("GET /orders/7");
    await expect(rows(page).first()).toContainText("200");
    await expect(rows(page).first()).toContainText("billing · production");
    await expect(rows(page).first()).toContainText("127.0.0.1");
    expect(await page.content()).not.toContain("canary");
    expect(await page.content()).not.toContain("/before");

    const summary = page.locator("summary", { hasText: "GET /orders/7" });
    await expect(page.getByText(id)).toBeHidden();
    await summary.focus();
    await page.keyboard.press("Enter");
    await expect(page.getByText(id)).toBeVisible();
    await expect(page.getByRole("button", { name: "Copy request ID" })).toBeVisible();
    await expect(page.getByRole("button", { name: "Copy trace ID" })).toBeVisible();
    await expectAccessible(page);
    for (const width of [390, 900, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      await expectFits(page);
    }

    // While it is read nothing moves; then what came meanwhile is there.
    const asked = page.waitForResponse(async (response) => response.url().endsWith("/api/traffic/list") && (await response.text()).includes("/meanwhile"));
    await send(gateway, "/meanwhile");
    await (await asked).finished();
    // One more, by which the one before has been taken in.
    await page.waitForResponse(/\/api\/traffic\/list$/);
    await expect(rows(page)).toHaveCount(1);
    await summary.press("Enter");
    await expect(rows(page)).toHaveCount(2);
    await expect(rows(page).first()).toContainText("GET /meanwhile");
    await expect(page.getByRole("link", { name: "export telemetry" })).toHaveAttribute("href", "/w/acme/settings/integrations");
  });
});

test("requests are filtered by status and route, and the filter keeps up", async ({ page, upstream }) => {
  await withServer(page, upstream.url, "admin", {}, async ({ console: origin, gateway }) => {
    await open(page, `${origin}/w/acme/logs`);
    for (const path of ["/fine", "/gone?status=404", "/broken?status=503"]) await send(gateway, path);
    await send(gateway, "/nowhere", "no-such-route");
    await expect(rows(page)).toHaveCount(4);
    await page.getByLabel("Status").selectOption("4xx");
    await page.getByRole("button", { name: "Filter requests" }).click();
    await expect(page).toHaveURL(/status=4xx/);
    await expect(rows(page)).toHaveCount(2);
    await expect(rows(page).first()).toContainText("Unknown route");
    await expect(page.getByLabel("Status")).toHaveValue("4xx");
    await page.getByLabel("Route").selectOption("billing");
    await page.getByRole("button", { name: "Filter requests" }).click();
    await expect(rows(page)).toHaveCount(1);
    await expect(rows(page).first()).toContainText("GET /gone");
    await send(gateway, "/fine-too");
    await send(gateway, "/gone-too?status=404");
    await expect(rows(page)).toHaveCount(2);
    await expect(rows(page).first()).toContainText("GET /gone-too");
    await page.getByLabel("Status").selectOption("3xx");
    await page.getByRole("button", { name: "Filter requests" }).click();
    await expect(page.getByRole("heading", { name: "Nothing found" })).toBeVisible();
    await page.getByRole("link", { name: "Show all requests" }).click();
    await expect(rows(page)).toHaveCount(6);
    await expect(page.getByLabel("Status")).toHaveValue("");
    await page.goto(`${origin}/w/acme/logs?status=failed`);
    await expect(rows(page)).toHaveCount(1);
    await expect(rows(page).first()).toContainText("503");
  });
});

test("a long path wraps, in a narrow window too", async ({ page, upstream }) => {
  await withServer(page, upstream.url, "viewer", {}, async ({ console: origin, gateway }) => {
    await open(page, `${origin}/w/acme/logs`);
    await send(gateway, `/${"a-long-segment/".repeat(60)}`);
    await expect(rows(page)).toHaveCount(1);
    for (const isOpen of [false, true]) {
      if (isOpen) await page.locator("summary", { hasText: "a-long-segment" }).click();
      for (const width of [390, 768, 1060, 1280]) {
        await page.setViewportSize({ width, height: 900 });
        await expectFits(page);
      }
    }
  });
});
