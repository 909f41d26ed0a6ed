// The audit logs: what a change leaves, looking for it, following the chain, and taking the log along.
import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { change, createRoutes, followed } from "../support/audit.ts";
import { expect, expectAccessible, expectFits, hydrated, open, test, withServer } from "../support/test.ts";

const entries = (page: Page) => page.getByRole("table", { name: /Entries of the audit log/ }).locator("tbody").getByRole("row");

async function download(page: Page, link: string): Promise<{ name: string; text: string }> {
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: link }).click()]);
  return { name: file.suggestedFilename(), text: readFileSync(await file.path(), "utf8") };
}

test("a change is in the log with who, what and from where, and of a secret only that it changed", async ({ page, upstream }) => {
  await withServer(page, upstream.url, "admin", {}, async ({ console: origin }) => {
    await change(page, origin, "/api/routes/save-environment", {
      workspace: "acme",
      route: "billing",
      "form[original_name]": "production",
      "form[name]": "live",
      "form[target_base_url]": `${upstream.url}/v2`,
      "form[inject_headers]": "authorization=Bearer planted-secret",
    });
    await open(page, `${origin}/w/acme/routes`);
    await page.getByRole("navigation").getByRole("link", { name: "Audit log" }).first().click();
    await expect(page.getByRole("heading", { level: 1, name: "Audit log" })).toBeVisible();
    const newest = entries(page).first();
    await expect(newest).toContainText("admin@acme.test");
    await expect(newest).toContainText("environment.changed");
    await expect(newest).toContainText("environment billing/live");
    await expect(newest).toContainText("Name: production → live");
    await expect(newest).toContainText(`→ ${upstream.url}/v2`);
    await expect(newest).toContainText("Injected headers: changed");
    await expect(newest).toContainText("127.0.0.1");
    await expect(entries(page).filter({ hasText: "Bootstrap file" }).first()).toBeVisible();
    expect(await page.content()).not.toContain("planted");
    for (const link of ["Download CSV", "Download JSON Lines"]) expect((await download(page, link)).text).not.toContain("planted");
    await expectAccessible(page);
    for (const width of [390, 900, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      await expectFits(page);
    }
  });
});

test("entries are paged, filtered, verified and downloaded", async ({ page, upstream }) => {
  test.setTimeout(120_000);
  await withServer(page, upstream.url, "admin", {}, async ({ console: origin }) => {
    await createRoutes(page, origin, upstream.url, 52);
    await open(page, `${origin}/w/acme/audit`);
    await expect(entries(page)).toHaveCount(50);
    await expect(entries(page).first()).toContainText("route-52");
    await page.getByRole("link", { name: "Older" }).click();
    await expect(entries(page).first()).toContainText("route-2");
    await expect(entries(page).last()).toContainText("Bootstrap file");
    await expect(page.getByRole("link", { name: "Older" })).toHaveCount(0);
    await page.getByRole("link", { name: "Newest" }).click();
    await expect(entries(page).first()).toContainText("route-52");

    await page.getByLabel("Resource").fill("route-5");
    await page.getByLabel("Action").selectOption("route.created");
    await page.getByRole("button", { name: "Filter entries" }).click();
    await expect(entries(page)).toHaveCount(4);
    await expect(page).toHaveURL(/resource=route-5/);
    await expect(page.getByLabel("Resource")).toHaveValue("route-5");
    await expect(page.getByLabel("Action")).toHaveValue("route.created");
    const some = await download(page, "Download CSV");
    expect(some.name).toBe("audit-acme.csv");
    const rows = some.text.trimEnd().split("\r\n");
    expect(rows).toHaveLength(5);
    expect(rows[0]).toMatch(/^sequence,time,actor,action,resource_kind,resource,/);
    expect(rows[1]).toContain(",admin@acme.test,route.created,route,route-5,");
    await page.getByRole("link", { name: "Clear filter" }).click();
    await expect(entries(page)).toHaveCount(50);
    await expect(page.getByLabel("Resource")).toHaveValue("");
    await expect(page.getByLabel("Action")).toHaveValue("");
    await page.getByLabel("Actor").fill("nobody");
    await page.getByRole("button", { name: "Filter entries" }).click();
    await expect(page.getByRole("heading", { name: "Nothing found" })).toBeVisible();
    await page.getByRole("link", { name: "Show all" }).click();
    await expect(entries(page)).toHaveCount(50);
    await expect(page.getByLabel("Actor")).toHaveValue("");

    const lines = (await download(page, "Download JSON Lines")).text.trimEnd().split("\n");
    const head = followed(lines);
    await page.getByRole("link", { name: "Verify" }).click();
    const verdict = page.getByRole("status").filter({ hasText: "Intact." });
    await expect(verdict).toContainText(`Each of the ${lines.length} entries follows from the one before.`);
    await expect(verdict).toContainText(head);
    await expectAccessible(page);

    await page.goto(`${origin}/w/acme/audit?from=yesterday`);
    await hydrated(page);
    await expect(page.getByRole("alert")).toContainText("write a day as YYYY-MM-DD");
    await expect(entries(page)).toHaveCount(0);
  });
});

test("the filter works by keyboard alone", async ({ as }) => {
  const page = await as("admin");
  await open(page, "/w/acme/audit");
  await page.getByLabel("Actor").focus();
  await page.keyboard.press("Tab");
  await expect(page.getByLabel("Action")).toBeFocused();
  await page.keyboard.press("Tab");
  await page.keyboard.type("billing");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/resource=billing/);
  await expect(page.getByRole("link", { name: "Clear filter" })).toBeVisible();
  await expect(entries(page).first()).toContainText("billing");
  await expect(page.getByLabel("Resource")).toBeFocused();
});

test("a viewer reads the workspace's log, a stranger finds neither page nor file, and the Global one is the operator's", async ({ as, knoxcall }) => {
  const viewer = await as("viewer");
  await open(viewer, "/w/acme/audit");
  await expect(entries(viewer).first()).toBeVisible();
  expect((await viewer.request.get(`${knoxcall.console}/w/acme/audit/export?format=csv`)).status()).toBe(200);
  for (const path of ["/settings/audit", "/settings/audit/export?format=csv"]) expect((await viewer.goto(path))?.status(), path).toBe(404);
  const stranger = await as("stranger");
  for (const path of ["/w/acme/audit", "/w/acme/audit/export?format=csv", "/w/nothing/audit/export?format=csv"]) {
    expect((await stranger.goto(path))?.status(), path).toBe(404);
    await expect(stranger.getByText("billing")).toHaveCount(0);
  }
  const operator = await as("operator");
  await open(operator, "/settings/audit?verify=1");
  await expect(operator.getByText(/^Intact\./)).toBeVisible();
  await expect(entries(operator).filter({ hasText: "workspace.created" }).first()).toBeVisible();
});
