// Webhooks as an admin uses them: made, tested, seen failing, delivered again, rotated, switched off and deleted; against a real receiver.
import { send } from "../support/gateway.ts";
import { isSigned, Receiver } from "../support/receiver.ts";
import { ACME_KEY, expect, expectAccessible, expectFits, hydrated, open, type Page, pill, test } from "../support/test.ts";
import { create, pathOf, shownSecret } from "../support/webhooks.ts";

const NEW = "/w/acme/webhooks/new";
const result = (page: Page) => page.getByRole("status", { name: "Test result" });

let receiver: Receiver;
test.beforeEach(async () => {
  receiver = await Receiver.start();
});
test.afterEach(() => receiver.stop());

async function testDelivery(page: Page, words: string | RegExp): Promise<void> {
  await page.getByRole("button", { name: "Send test delivery" }).click();
  await expect(result(page)).toContainText(words);
}

/** Deletes the webhook whose page is shown, so that it is not told of what other tests do. */
async function remove(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: "Delete webhook" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Confirmation").fill(name);
  await dialog.getByRole("button", { name: "Delete webhook" }).click();
  await expect(page.getByText("Webhook deleted.")).toBeVisible();
}

test("a wrong field is named, what was typed stays, and the signing secret is shown once", async ({ as }) => {
  const page = await as("admin");
  await open(page, NEW);
  await page.getByLabel("Name", { exact: true }).fill("First");
  await page.getByLabel("URL", { exact: true }).fill("hooks.example.com");
  await page.getByRole("checkbox", { name: "audit.event" }).check();
  await page.getByRole("button", { name: "Create webhook" }).click();
  await expect(page.getByRole("alert")).toContainText("start with http:// or https://");
  await expect(page.getByLabel("URL", { exact: true })).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("First");
  await expect(page.getByRole("checkbox", { name: "audit.event" })).toBeChecked();
  await page.getByRole("checkbox", { name: "audit.event" }).uncheck();
  await page.getByLabel("URL", { exact: true }).fill(receiver.url);
  await page.getByRole("button", { name: "Create webhook" }).click();
  await expect(page.getByRole("alert")).toContainText("Events: fill this in");
  await expectAccessible(page);

  const { secret } = await create(page, "First", receiver.url, ["request.timeout"]);
  expect(secret).toMatch(/^whsec_.{32,}/);
  await expectAccessible(page);
  await page.setViewportSize({ width: 390, height: 900 });
  await expectFits(page);
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.reload();
  await hydrated(page);
  expect(await page.content()).not.toContain(secret);
  await expect(page.getByText(/was shown once already/)).toBeVisible();
  await remove(page, "First");
  await expect(page.getByRole("link", { name: "First", exact: true })).toHaveCount(0);
});

test("a test delivery is signed, says what came of it, and is in the history", async ({ as }) => {
  const page = await as("admin");
  await open(page, NEW);
  const { path, secret } = await create(page, "Tested", receiver.url, ["request.timeout"]);
  await testDelivery(page, "Test delivered");
  expect(receiver.events()).toEqual(["webhook.test"]);
  expect(isSigned(receiver.last(), secret)).toBe(true);
  for (const [status, words] of [
    [500, /failed on its side \(500\)/],
    [302, /redirect \(302\), which is never followed/],
    [401, /refused the delivery \(401\)/],
  ] as const) {
    receiver.status = status;
    await testDelivery(page, words);
  }
  await expectAccessible(page);
  const id = String(receiver.last().headers["webhook-id"]);
  await expect(page.getByRole("row").filter({ hasText: id })).toContainText("Failed");
  await page.reload();
  await hydrated(page);
  await expect(result(page)).toContainText("refused the delivery (401)");
  await page.getByRole("link", { name: "View deliveries" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Deliveries of Tested" })).toBeVisible();
  await expect(page.getByRole("row").filter({ hasText: "webhook.test" })).toHaveCount(4);
  await page.getByRole("link", { name: "Failed", exact: true }).click();
  await expect(page.getByRole("row").filter({ hasText: "webhook.test" })).toHaveCount(3);
  await page.goto(path);
  await hydrated(page);
  await remove(page, "Tested");
});

test("what failed is seen, and delivered again under its own id", async ({ as, knoxcall }) => {
  const page = await as("admin");
  await open(page, NEW);
  await page.getByText("Advanced").click();
  await page.getByLabel("Retries").fill("0");
  const { path } = await create(page, "Failing", receiver.url, ["request.completed"]);
  receiver.status = 503;
  await send(knoxcall.gateway, "/x");
  await send(knoxcall.gateway, "/x");
  // The page keeps up without a reload.
  await expect(page.getByRole("row").filter({ hasText: "request.completed" })).toHaveCount(2);
  await expect(pill(page, "Failing")).toBeVisible();
  await expect(page.getByText("not available at the moment (503)").first()).toBeVisible();

  await open(page, `${path}/deliveries?failed=on`);
  await expect(page.getByRole("row").filter({ hasText: "request.completed" })).toHaveCount(2);
  await expectAccessible(page);
  await expectFits(page);
  receiver.status = 200;
  const before = receiver.deliveries.length;
  const first = page.getByRole("row").filter({ hasText: "request.completed" }).first();
  const name = (await first.getByRole("button").textContent()) ?? "";
  // A second press before the page is there that shows it does not deliver it twice.
  let come = (): void => {};
  const wanted = new Promise<void>((resolve) => (come = resolve));
  await page.route("**/api/webhooks/deliveries", async (route) => {
    await wanted;
    await route.continue();
  });
  const queued = page.waitForResponse("**/api/webhooks/redeliver");
  await first.getByRole("button").click();
  await (await queued).finished();
  await expect(first.getByRole("button")).toHaveAttribute("aria-disabled", "true");
  await first.getByRole("button").click({ force: true });
  come();
  await page.unrouteAll({ behavior: "wait" });
  await expect(page.getByText("Queued. It is delivered once more.")).toBeVisible();
  await expect(page).toHaveURL(/failed=on/);
  await expect.poll(() => receiver.deliveries.length).toBe(before + 1);
  expect(name).toContain(String(receiver.last().headers["webhook-id"]));
  await expect(page.getByRole("row").filter({ hasText: "request.completed" })).toHaveCount(1);

  const since = page.getByLabel("Failed since (UTC)");
  await since.fill("2020-01-01T00:00");
  await page.getByRole("button", { name: "Redeliver all failed" }).click();
  await expect(page.getByText("Queued. What failed since then is delivered once more.")).toBeVisible();
  await expect.poll(() => receiver.deliveries.length).toBe(before + 2);
  await expect(page.getByRole("row").filter({ hasText: "Delivered" })).toHaveCount(2);
  await since.fill("2020-01-01T00:00");
  await page.getByRole("button", { name: "Redeliver all failed" }).click();
  await expect(page.getByText("Nothing has failed since then")).toBeVisible();

  await page.goto("/w/acme/webhooks");
  await expect(page.getByRole("row").filter({ hasText: "Failing" })).toContainText("% of");
  await open(page, path);
  await remove(page, "Failing");
});

test("headers and bodies go along once they are switched on, without secrets", async ({ as, knoxcall }) => {
  const page = await as("admin");
  await open(page, NEW);
  const [headers, bodies] = [page.getByRole("switch", { name: "Include headers" }), page.getByRole("switch", { name: "Include bodies" })];
  for (const one of [headers, bodies]) await expect(one).not.toBeChecked();
  await expect(page.getByText(/leaves for the URL above/)).toBeVisible();
  const { path } = await create(page, "Included", receiver.url, ["request.completed"]);
  const post = async () => {
    const who = { "x-knoxcall-key": ACME_KEY, "x-knoxcall-route": "billing", "content-type": "application/json" };
    const response = await fetch(`${knoxcall.gateway}/x`, { method: "POST", headers: who, body: '{"order":7,"password":"canary"}' });
    await response.arrayBuffer();
  };
  const asked = () => (JSON.parse(receiver.last().body) as { data: { request: Record<string, unknown> } }).data.request;
  await post();
  await expect.poll(() => receiver.deliveries.length).toBe(1);
  expect(Object.keys(asked())).toEqual(["method", "path", "ip"]);
  await headers.focus();
  await page.keyboard.press("Space");
  await bodies.check();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Webhook saved.")).toBeVisible();
  await page.reload();
  await hydrated(page);
  for (const one of [headers, bodies]) await expect(one).toBeChecked();
  await post();
  await expect.poll(() => receiver.deliveries.length).toBe(2);
  expect(asked()["body"]).toBe('{"order":7,"password":"[redacted]"}');
  expect(asked()["headers"]).toMatchObject({ "content-type": "application/json", "x-knoxcall-key": "[redacted]" });
  expect(receiver.last().body).not.toContain("canary");
  const viewer = await as("viewer");
  await open(viewer, path);
  await expect(viewer.getByText("Headers and bodies")).toBeVisible();
  await remove(page, "Included");
});

test("the secret is rotated: for a day both sign", async ({ as }) => {
  const page = await as("admin");
  await open(page, NEW);
  const { secret } = await create(page, "Rotated", receiver.url, ["request.timeout"]);
  const button = page.getByRole("button", { name: "Rotate secret" });
  await button.click();
  await expect(page.getByRole("dialog")).toContainText("For 24 hours");
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await expect(button).toBeFocused();
  await button.click();
  await page.getByRole("dialog").getByRole("button", { name: "Rotate secret" }).click();
  await expect(page.getByText(secret)).toHaveCount(0);
  const newer = await shownSecret(page);
  expect(newer).not.toBe(secret);
  await expect(page.getByText(/The secret before it signs too until/)).toBeVisible();
  await testDelivery(page, "Test delivered");
  expect([isSigned(receiver.last(), newer), isSigned(receiver.last(), secret)]).toEqual([true, true]);
  await remove(page, "Rotated");
});

test("what is pressed between the answers of two questions still works", async ({ as }) => {
  const page = await as("admin");
  await open(page, NEW);
  const { secret } = await create(page, "Pressed", receiver.url, ["request.timeout"]);
  let answer = (): void => {};
  const wanted = new Promise<void>((resolve) => (answer = resolve));
  await page.route("**/api/webhooks/detail", async (route) => {
    await wanted;
    await route.continue();
  });
  const dialog = page.getByRole("dialog");
  const button = page.getByRole("button", { name: "Rotate secret" });
  await button.click();
  const taken = page.waitForResponse("**/api/webhooks/take-secret");
  await dialog.getByRole("button", { name: "Rotate secret" }).click();
  await (await taken).finished();
  await expect(dialog).toBeHidden();
  await button.click();
  await expect(dialog).toBeVisible();
  await page.getByRole("link", { name: "Cancel" }).click();
  await expect(dialog).toBeHidden();
  answer();
  await expect(page.getByText(secret)).toHaveCount(0);
  await remove(page, "Pressed");
});

test("the fields of an authentication come with it, and a credential stays with its origin", async ({ as }) => {
  const page = await as("admin");
  await open(page, NEW);
  const [auth, user, header, credential] = [page.getByLabel("Authentication"), page.getByLabel("User name"), page.getByLabel("Header name", { exact: true }), page.getByLabel("Credential")];
  for (const [choice, shown] of [
    ["basic", [true, false, true]],
    ["bearer", [false, false, true]],
    ["header", [false, true, true]],
    ["none", [false, false, false]],
    ["hmac", [false, false, false]],
  ] as const) {
    await auth.selectOption(choice);
    for (const [field, visible] of [[user, shown[0]], [header, shown[1]], [credential, shown[2]]] as const) await expect(field, choice).toBeVisible({ visible });
  }
  await auth.selectOption("basic");
  await user.fill("ana");
  await credential.fill("canary-7");
  await page.getByLabel("Extra headers").fill("X-Team=canary-8");
  await create(page, "Basic", receiver.url, ["request.timeout"]);
  await testDelivery(page, "Test delivered");
  expect(receiver.last().headers["authorization"]).toBe(`Basic ${Buffer.from("ana:canary-7").toString("base64")}`);
  expect(receiver.last().headers["x-team"]).toBe("canary-8");
  expect(await page.content()).not.toContain("canary");
  await expect(page.getByText(/^Set on .*: X-Team$/)).toBeVisible();

  const save = page.getByRole("button", { name: "Save", exact: true });
  await page.getByLabel("URL", { exact: true }).fill(receiver.url.replace("127.0.0.1", "localhost"));
  await expect(page.getByText(/This URL is on another origin/)).toBeVisible();
  await save.click();
  await expect(page.getByRole("alert").first()).toContainText(/never sent to another origin/);
  await page.getByLabel("URL", { exact: true }).fill(receiver.url);
  // What was refused is open to be entered again.
  await page.getByRole("button", { name: "Keep stored" }).click();
  await page.getByRole("button", { name: "Clear" }).click();
  await save.click();
  await expect(page.getByText("Webhook saved.")).toBeVisible();
  await testDelivery(page, "Test delivered");
  await expect.poll(() => receiver.last().headers["x-team"]).toBeUndefined();
  await remove(page, "Basic");
});

test("disabled and enabled; one that is gone says so and is enabled again", async ({ as, knoxcall }) => {
  const page = await as("admin");
  await open(page, NEW);
  await create(page, "Switched", receiver.url, ["request.completed"]);
  await page.getByRole("button", { name: "Disable webhook" }).click();
  await expect(page.getByText(/^Webhook disabled/)).toBeVisible();
  await expect(pill(page, "Disabled")).toBeVisible();
  await page.getByRole("button", { name: "Enable webhook" }).click();
  await expect(page.getByText(/^Webhook enabled/)).toBeVisible();
  receiver.status = 410;
  await send(knoxcall.gateway, "/x");
  await expect(pill(page, "Gone (410)")).toBeVisible();
  await expect(page.getByText(/it wants no more deliveries, so nothing is delivered/)).toBeVisible();
  await expectAccessible(page);
  receiver.status = 200;
  await page.getByRole("button", { name: "Enable again" }).click();
  await expect(page.getByText(/^Webhook enabled/)).toBeVisible();
  await expect(pill(page, "Gone (410)")).toHaveCount(0);
  await send(knoxcall.gateway, "/x");
  await expect(pill(page, "Active")).toBeVisible();
  await page.getByRole("button", { name: "Delete webhook" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Confirmation").fill("Something else");
  await dialog.getByRole("button", { name: "Delete webhook" }).click();
  await expect(dialog.getByRole("alert")).toContainText("to confirm");
  await dialog.getByRole("link", { name: "Cancel" }).click();
  await page.reload();
  await hydrated(page);
  await remove(page, "Switched");
});

test("by keyboard alone", async ({ as }) => {
  const page = await as("admin");
  await open(page, "/w/acme/webhooks");
  await page.getByRole("link", { name: "Create webhook" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "Create webhook" })).toBeVisible();
  await page.getByLabel("Name", { exact: true }).focus();
  await page.keyboard.type("Keys only");
  await page.keyboard.press("Tab");
  await page.keyboard.type(receiver.url);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("checkbox", { name: "request.received" })).toBeFocused();
  await page.keyboard.press("Space");
  await page.keyboard.press("Enter");
  await expect(page.getByText("Copy it now: you will not see it again.")).toBeVisible();
  await page.getByRole("button", { name: "Send test delivery" }).focus();
  await page.keyboard.press("Enter");
  await expect(result(page)).toContainText("Test delivered");
  await page.getByRole("button", { name: "Delete webhook" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog").getByLabel("Confirmation")).toBeFocused();
  await page.keyboard.type("Keys only");
  await page.keyboard.press("Enter");
  await expect(page.getByText("Webhook deleted.")).toBeVisible();
});

test("a viewer reads and changes nothing; for a stranger it is not there", async ({ as }) => {
  const viewer = await as("viewer");
  const path = await pathOf(viewer, "Incidents");
  for (const page of [path, `${path}/deliveries`]) {
    await open(viewer, page);
    await expect(viewer.getByRole("main").getByRole("button", { name: /save|send|rotate|delete|disable|enable|redeliver/i })).toHaveCount(0);
    await expect(viewer.getByText(/whsec_/)).toHaveCount(0);
  }
  const stranger = await as("stranger");
  for (const page of ["/w/acme/webhooks", "/w/acme/webhooks/new", path, `${path}/deliveries`, path.replace("/acme/", "/globex/")]) {
    expect((await stranger.goto(page))?.status(), page).toBe(404);
  }
  expect((await viewer.goto("/w/acme/webhooks/not-an-id"))?.status()).toBe(404);
});
