// Webhooks with JavaScript switched off.
import { expectSaid, expectToBeEnteredAgain, refused } from "../../support/forms.ts";
import { send } from "../../support/gateway.ts";
import { isSigned, Receiver } from "../../support/receiver.ts";
import { expect, test } from "../../support/test.ts";
import { create, shownSecret } from "../../support/webhooks.ts";

test("a webhook is created, changed, tested, rotated, switched, and deleted", async ({ as, knoxcall }) => {
  const receiver = await Receiver.start();
  const page = await as("admin");
  await page.goto("/w/acme/webhooks/new");
  const [name, url, credential, headers] = [page.getByLabel("Name", { exact: true }), page.getByLabel("URL", { exact: true }), page.getByLabel("Credential"), page.getByLabel("Extra headers")];
  const button = page.getByRole("button", { name: "Create webhook" });
  await name.fill("Plain");
  await url.fill("hooks.example.com");
  await page.getByRole("checkbox", { name: "audit.event" }).check();
  await page.getByRole("checkbox", { name: /Billing API/ }).check();
  await page.getByRole("switch", { name: "Include bodies" }).check();
  await page.getByLabel("Authentication").selectOption("bearer");
  await credential.fill("hunter2");
  await headers.fill("X-Team=hunter3");
  await refused(page, button, /start with http:\/\/ or https:\/\//);
  await expect(name).toHaveValue("Plain");
  await expect(url).toHaveValue("hooks.example.com");
  await expect(page.getByRole("checkbox", { name: "audit.event" })).toBeChecked();
  await expect(page.getByRole("checkbox", { name: "request.completed" })).not.toBeChecked();
  await expect(page.getByRole("checkbox", { name: /Billing API/ })).toBeChecked();
  await expect(page.getByRole("switch", { name: "Include bodies" })).toBeChecked();
  await expect(page.getByRole("switch", { name: "Include headers" })).not.toBeChecked();
  await expect(page.getByLabel("Authentication")).toHaveValue("bearer");
  await expectToBeEnteredAgain(credential);
  await expectToBeEnteredAgain(headers);
  // A query is where receivers have their keys.
  await url.fill("https://ana@hooks.example.com/in?token=hunter4");
  await refused(page, button, /leave out the user name and password/);
  await expectToBeEnteredAgain(url);
  expect(await page.content()).not.toContain("hunter");

  await credential.fill("hunter2");
  await page.getByRole("checkbox", { name: "audit.event" }).uncheck();
  const { path, secret } = await create(page, "Plain", receiver.url, ["request.completed"]);
  await page.reload();
  expect(await page.content()).not.toContain(secret);
  await page.goto(path);
  await expect(page.getByRole("checkbox", { name: /Billing API/ })).toBeChecked();
  await expect(page.getByRole("switch", { name: "Include bodies" })).toBeChecked();

  receiver.status = 500;
  await page.getByRole("button", { name: "Send test delivery" }).click();
  await expect(page.getByRole("status", { name: "Test result" })).toContainText("failed on its side (500)");
  receiver.status = 200;
  await page.getByRole("button", { name: "Send test delivery" }).click();
  await expect(page.getByRole("status", { name: "Test result" })).toContainText("Test delivered");
  expect(receiver.last().headers["authorization"]).toBe("Bearer hunter2");
  expect(isSigned(receiver.last(), secret)).toBe(true);

  await page.getByText("Advanced").click();
  await page.getByLabel("Retries").fill("many");
  await refused(page, page.getByRole("button", { name: "Save", exact: true }), /whole number from 0 to 10/);
  await expect(page.getByLabel("Retries")).toHaveValue("many");
  await page.getByLabel("Retries").fill("0");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expectSaid(page, /^Webhook saved/);

  await page.getByRole("button", { name: "Rotate secret" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Rotate secret" }).click();
  expect(await shownSecret(page)).not.toBe(secret);

  receiver.status = 503;
  await send(knoxcall.gateway, "/x");
  const history = `${path}/deliveries?failed=on`;
  await expect(async () => {
    await page.goto(history);
    await expect(page.getByRole("row").filter({ hasText: "request.completed" })).toHaveCount(1, { timeout: 500 });
  }).toPass();
  receiver.status = 200;
  await page.getByRole("row").filter({ hasText: "request.completed" }).getByRole("button", { name: "Redeliver" }).click();
  await expectSaid(page, /^Queued\. It is delivered once more/);
  await expect(page).toHaveURL(/failed=on/);
  await expect.poll(() => receiver.events().filter((event) => event === "request.completed").length).toBe(2);
  await page.getByLabel("Failed since (UTC)").fill("2020-01-01T00:00");
  await page.getByRole("button", { name: "Redeliver all failed" }).click();
  await expectSaid(page, /^Nothing has failed since then/);

  await page.goto(path);
  await page.getByRole("button", { name: "Disable webhook" }).click();
  await expectSaid(page, /^Webhook disabled/);
  await page.getByRole("button", { name: "Enable webhook" }).click();
  await expectSaid(page, /^Webhook enabled/);
  await page.getByRole("button", { name: "Delete webhook" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Confirmation").fill("Plan");
  await refused(page, dialog.getByRole("button", { name: "Delete webhook" }), /to confirm/);
  await dialog.getByLabel("Confirmation").fill("Plain");
  await dialog.getByRole("button", { name: "Delete webhook" }).click();
  await expectSaid(page, /^Webhook deleted/);
  receiver.stop();
});
