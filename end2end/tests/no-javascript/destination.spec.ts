// The export card's test, pause, resume and revert with JavaScript switched off.
import { Collector } from "../../support/collector.ts";
import { expectSaid, refused } from "../../support/forms.ts";
import { send } from "../../support/gateway.ts";
import { expect, test, withServer } from "../../support/test.ts";

const CARD = "/w/globex/settings/integrations/telemetry";

test("a test keeps what was typed and shows its result; pause, resume and revert work", async ({ as }) => {
  const collector = await Collector.start();
  const page = await as("stranger");
  await page.goto(CARD);
  const endpoint = page.getByLabel("OTLP HTTP endpoint");
  await endpoint.fill(collector.endpoint);
  await page.getByLabel("Service name").fill("typed");
  await page.getByText("Advanced").click();
  await page.getByLabel("Timeout").fill("7");
  await page.getByRole("button", { name: "Send test" }).click();
  await expect(page.getByText(/^Test passed at/)).toBeVisible();
  await expect(endpoint).toHaveValue(collector.endpoint);
  await expect(page.getByLabel("Service name")).toHaveValue("typed");
  await expect(page.getByLabel("Timeout")).toHaveValue("7");
  await page.getByLabel("Timeout").fill("99");
  await refused(page, page.getByRole("button", { name: "Send test" }), /whole number from 1 to 60/);
  await expect(page.getByLabel("Timeout")).toHaveValue("99");
  await page.getByLabel("Timeout").fill("7");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expectSaid(page, /^Saved/);

  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await expectSaid(page, /^Export paused/);
  await page.getByRole("button", { name: "Resume", exact: true }).click();
  await expectSaid(page, /^Export resumed/);
  await endpoint.fill("");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expectSaid(page, /^Saved/);
  await page.getByRole("button", { name: /^Revert\s+to generation/ }).last().click();
  await page.getByRole("dialog").getByRole("button", { name: "Revert export" }).click();
  await expectSaid(page, /^Reverted/);

  await page.goto(CARD);
  await page.getByLabel("Backend").selectOption({ label: "Honeycomb" });
  await page.getByRole("button", { name: "Fill in" }).click();
  await expect(endpoint).toHaveValue("https://api.honeycomb.io");
  await expect(page.getByText("https://api.honeycomb.io/v1/logs", { exact: true })).toBeVisible();
  collector.stop();
});

test("the newest five attempts come first on a narrow screen, the others are asked for", async ({ page, upstream }) => {
  const collector = await Collector.start();
  await withServer(page, upstream.url, "admin", {}, async (knoxcall) => {
    await page.setViewportSize({ width: 390, height: 900 });
    await page.goto(`${knoxcall.console}/w/acme/settings/integrations/telemetry`);
    await page.getByLabel("OTLP HTTP endpoint").fill(collector.endpoint);
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await expectSaid(page, /^Saved/);
    for (let sent = 1; sent <= 7; sent++) {
      await send(knoxcall.gateway, "/x");
      await expect.poll(() => collector.requests.length).toBeGreaterThanOrEqual(sent);
    }
    const rows = page.getByRole("table", { name: "Last attempts" }).getByRole("row");
    const more = page.getByText(/^Show \d+ more attempts?$/);
    await expect(async () => {
      await page.reload();
      await expect(more).toBeVisible({ timeout: 1000 });
    }).toPass();
    await expect(rows).toHaveCount(6);
    await more.click();
    await expect.poll(() => rows.count()).toBeGreaterThan(6);
  });
  collector.stop();
});
