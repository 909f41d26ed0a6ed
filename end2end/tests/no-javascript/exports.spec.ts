// Both export cards with JavaScript switched off: save, a refused save, headers kept and cleared, and off.
import { expectSaid, expectToBeEnteredAgain, refused } from "../../support/forms.ts";
import { expect, test } from "../../support/test.ts";

for (const [identity, card] of [["admin", "/w/acme/settings/integrations/telemetry"], ["operator", "/settings/integrations/otlp"]] as const) {
  test(`${card}: saved, refused, cleared, turned off`, async ({ as }) => {
    const page = await as(identity);
    await page.goto(card);
    const [endpoint, service, headers] = [page.getByLabel("OTLP HTTP endpoint"), page.getByLabel("Service name"), page.getByLabel("Auth headers")];
    const save = page.getByRole("button", { name: "Save", exact: true });
    await endpoint.fill("http://127.0.0.1:9");
    await headers.fill("Authorization=Bearer hunter2");
    await save.click();
    await expectSaid(page, /^Saved/);
    await expect(endpoint).toHaveValue("http://127.0.0.1:9");
    await expect(page.getByText(/^Set on .*Authorization/)).toBeVisible();

    await endpoint.fill("collector:4318");
    await service.fill("my gateway");
    await headers.fill("Authorization=Bearer hunter3");
    if (identity === "operator") await page.getByRole("switch", { name: "Export traces" }).uncheck();
    await refused(page, save, /start with http:\/\/ or https:\/\//);
    await expect(endpoint).toHaveValue("collector:4318");
    await expect(endpoint).toHaveAttribute("aria-invalid", "true");
    await expect(service).toHaveValue("my gateway");
    await expectToBeEnteredAgain(headers);
    if (identity === "operator") {
      await expect(page.getByRole("switch", { name: "Export traces" })).not.toBeChecked();
      await expect(page.getByRole("switch", { name: "Export logs" })).toBeChecked();
    }
    expect(await page.content()).not.toContain("hunter");

    await endpoint.fill("http://ana:hunter2@127.0.0.1:9");
    await refused(page, save, /leave out the user name and password/);
    await expectToBeEnteredAgain(endpoint);
    await expect(service).toHaveValue("my gateway");
    await page.goto(card);
    await expect(endpoint).toHaveValue("http://127.0.0.1:9");
    await expect(service).toHaveValue("");

    await page.getByLabel("Clear what is stored").check();
    await save.click();
    await expectSaid(page, /^Saved/);
    await expect(page.getByText(/^Set on/)).toHaveCount(0);
    await endpoint.fill("");
    await save.click();
    await expectSaid(page, /^Saved/);
    await expect(endpoint).toHaveValue("");
  });
}

test("a change that somebody else made meanwhile is not overwritten by saving the draft again", async ({ as }) => {
  const card = "/w/globex/settings/integrations/telemetry";
  const [first, second] = [await as("stranger"), await as("operator")];
  for (const page of [first, second]) await page.goto(card);
  await first.getByLabel("Service name").fill("first");
  await first.getByRole("button", { name: "Save", exact: true }).click();
  await expectSaid(first, /^Saved/);
  await second.getByLabel("Service name").fill("second");
  const save = second.getByRole("button", { name: "Save", exact: true });
  for (let attempt = 0; attempt < 2; attempt++) {
    await refused(second, save, /Someone else changed this meanwhile/);
    await expect(second.getByLabel("Service name")).toHaveValue("second");
  }
  await second.reload();
  await expect(second.getByLabel("Service name")).toHaveValue("first");
});
