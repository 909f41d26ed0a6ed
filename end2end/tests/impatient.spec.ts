// Slow lines and quick hands: what somebody types or presses before the page is ready for it, or goes on to before the last
// answer has come, is neither lost nor taken for something else.
import { EMAIL, expect, expectAccessible, expectFits, hydrated, open, type Page, signIn, test, withoutFocusForButtons } from "../support/test.ts";

const CODE = /\/pkg\/knoxcall\..*\.wasm$/;

/** Holds what the browser asks for under this address until the answer is called for. */
async function hold(page: Page, url: string | RegExp): Promise<() => void> {
  let answer = (): void => {};
  const wanted = new Promise<void>((resolve) => (answer = resolve));
  await page.route(url, async (route) => {
    await wanted;
    await route.continue();
  });
  return answer;
}

/** Opens a page whose code comes only when it is called for. */
async function openHeld(page: Page, path: string): Promise<() => void> {
  await page.unroute(CODE);
  const come = await hold(page, CODE);
  await page.goto(path);
  return come;
}

const h1 = (page: Page) => page.getByRole("heading", { level: 1 });

test("what was typed for one environment is not in the form of another", async ({ as }) => {
  const page = await as("admin");
  await open(page, "/w/acme/routes/billing?add=environment");
  const [name, target, headers] = [page.locator("#environment-name"), page.locator("#environment-target"), page.locator("#environment-headers")];
  await name.fill("staging");
  await target.fill("http://staging.example");
  await page.getByRole("button", { name: "Add environment" }).click();
  await page.getByRole("link", { name: "Edit staging" }).click();
  await expect(name).toHaveValue("staging");
  await target.fill("http://wrong.example");
  await headers.fill("authorization=for-staging");
  await page.getByRole("link", { name: "Edit production" }).click();
  await expect(name).toHaveValue("production");
  await expect(target).not.toHaveValue(/wrong|staging/);
  await expect(headers).toHaveValue("");
  await expect(name).toBeFocused();
  await page.goBack();
  await expect(name).toHaveValue("staging");
  await expect(target).toHaveValue("http://staging.example");
  await page.getByRole("button", { name: "Delete staging" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete environment" }).click();
  await expect(page.getByRole("link", { name: "Edit staging" })).toHaveCount(0);
});

test("what was typed before the page's code had come stays, and the focus with it", async ({ as }) => {
  const page = await as("admin");
  await open(page, "/w/acme/agents/assistant");
  await page.getByLabel("Credential").fill("stored from here on");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("button", { name: "Replace" })).toBeVisible();

  let come = await openHeld(page, "/w/acme/agents/assistant");
  const credential = page.getByLabel("Credential");
  await credential.pressSequentially("half of ");
  come();
  await hydrated(page);
  await expect(credential).toBeFocused();
  await page.keyboard.type("it");
  await expect(credential).toHaveValue("half of it");

  come = await openHeld(page, "/w/acme/agents/assistant");
  await page.getByLabel("Clear what is stored").check();
  come();
  await hydrated(page);
  await expect(page.getByRole("button", { name: "Keep stored" })).toBeVisible();
  await expect(page.locator("input[type=checkbox][id$=-clear]")).toBeChecked();

  come = await openHeld(page, "/w/acme/routes/billing?edit=production");
  await page.locator("#environment-target").press("End");
  come();
  await hydrated(page);
  await expect(page.locator("#environment-target")).toBeFocused();

  come = await openHeld(page, "/w/acme/routes/new");
  await page.getByLabel("Slug").fill("my-own");
  come();
  await hydrated(page);
  await page.getByLabel("Name", { exact: true }).fill("Another name");
  await expect(page.getByLabel("Slug")).toHaveValue("my-own");
});

test("an answer that comes late takes nobody back to the page of its form", async ({ as }) => {
  const page = await as("admin");
  await open(page, "/w/acme/routes/billing");
  const answer = await hold(page, "**/api/routes/update");
  const answered = page.waitForResponse("**/api/routes/update");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "API keys" }).click();
  await expect(h1(page)).toHaveText("API keys");
  await page.getByLabel("Name", { exact: true }).fill("half a na");
  answer();
  await (await answered).finished();
  await page.waitForLoadState("networkidle");
  await expect(page).toHaveURL(/\/w\/acme\/keys$/);
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("half a na");
  await expect(page.getByText("Your change on the page “Billing API”: Route saved.")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("link", { name: "Open page" }).click();
  await expect(h1(page)).toHaveText("Billing API");
  await expect(page.getByText("Your change on the page")).toHaveCount(0);
  // Whoever stays is still told.
  await open(page, "/w/acme/routes/billing");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page).toHaveURL(/saved=/);
});

test("whoever filters a list meanwhile is not taken away from it by a late answer", async ({ as }) => {
  const page = await as("admin");
  await open(page, "/w/acme/routes/billing");
  const answer = await hold(page, "**/api/routes/update");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Logs" }).click();
  await page.getByLabel("Status").selectOption("4xx");
  await page.getByRole("button", { name: "Filter requests" }).click();
  await expect(page).toHaveURL(/status=4xx/);
  answer();
  await expect(page.getByText("Your change on the page “Billing API”: Route saved.")).toBeVisible();
  await expect(page).toHaveURL(/\/w\/acme\/logs\?status=4xx/);
});

test("a refusal that comes late is told on the page where somebody is by then, and on no other", async ({ as }) => {
  const page = await as("admin");
  await open(page, "/w/acme/routes/billing");
  const answer = await hold(page, "**/api/routes/update");
  await page.getByLabel("Name", { exact: true }).fill("x".repeat(81));
  await page.getByRole("button", { name: "Save", exact: true }).click();
  const links = page.getByRole("navigation", { name: "Main" });
  await links.getByRole("link", { name: "API keys" }).click();
  await expect(h1(page)).toHaveText("API keys");
  const told = page.getByText("Your change on the page “Billing API” was not made: Name: use at most 80 characters.");
  await expect(told).toHaveCount(0);
  answer();
  await expect(told).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Dismiss" }).click();
  await expect(told).toHaveCount(0);
  // Who stays is told at the form, and nowhere else.
  await open(page, "/w/acme/routes/billing");
  await page.getByLabel("Name", { exact: true }).fill("x".repeat(81));
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("alert")).toContainText("use at most 80 characters");
  await expect(page.getByText("Your change on the page")).toHaveCount(0);
});

test("figures whose questions get no answer say that they are old", async ({ as }) => {
  const page = await as("admin");
  await page.route("**/api/integrations/glances", () => {});
  await open(page, "/w/acme/settings/integrations");
  await expect(page.getByText("these figures are not live")).toBeHidden();
  await expect(page.getByText("these figures are not live")).toBeVisible({ timeout: 20_000 });
});

test("whoever goes on three times arrives at the third page", async ({ as }) => {
  const page = await as("admin");
  await open(page, "/w/acme/settings/integrations");
  const [lists, endpoints] = [await hold(page, /\/pkg\/lists\./), await hold(page, /\/pkg\/endpoints\./)];
  const links = page.getByRole("navigation", { name: "Main" });
  for (const name of ["Webhooks", "Routes", "Integrations"]) await links.getByRole("link", { name, exact: true }).click();
  lists();
  endpoints();
  await page.waitForLoadState("networkidle");
  await expect(page).toHaveURL(/\/w\/acme\/settings\/integrations$/);
  await expect(h1(page)).toHaveText("Integrations");
  await links.getByRole("link", { name: "Routes", exact: true }).click();
  await expect(h1(page)).toHaveText("Routes");
});

test("a second press while the new key is on its way makes no second key", async ({ as }) => {
  const page = await as("admin");
  await open(page, "/w/acme/keys");
  const answer = await hold(page, /\/api\/keys\/(list|take)/);
  await page.getByLabel("Name", { exact: true }).fill("Pressed twice");
  const button = page.getByRole("button", { name: "Create key" });
  const created = page.waitForResponse("**/api/keys/create");
  await button.click();
  await (await created).finished();
  await expect(button).toHaveAttribute("aria-disabled", "true");
  await button.click({ force: true });
  await page.getByLabel("Name", { exact: true }).press("Enter");
  answer();
  await expect(page.getByText("Key Pressed twice created.")).toBeVisible();
  await expect(button).not.toHaveAttribute("aria-disabled");
  await expect(page.getByRole("button", { name: "Delete Pressed twice" })).toHaveCount(1);
});

test("a second press while the list with the new workspace is on its way is not told that it is taken", async ({ as }) => {
  const page = await as("operator");
  await open(page, "/settings/workspaces");
  const answer = await hold(page, "**/api/directory/workspaces");
  await page.getByLabel("Name").fill("Pressed twice");
  await page.getByLabel("Slug").fill("pressed-twice");
  const button = page.getByRole("button", { name: "Create workspace" });
  const created = page.waitForResponse("**/api/directory/create-workspace");
  await button.click();
  await (await created).finished();
  await expect(button).toHaveAttribute("aria-disabled", "true");
  await button.click({ force: true });
  await page.getByLabel("Slug").press("Enter");
  answer();
  await expect(page.getByRole("row").filter({ hasText: "pressed-twice" })).toHaveCount(1);
  await expect(button).not.toHaveAttribute("aria-disabled");
  await expect(page.getByText("taken already")).toHaveCount(0);
  await expect(page.getByLabel("Slug")).toHaveValue("");
});

test("a question that is open while its page is built anew stays in sight, and what is behind it in reach", async ({ as }) => {
  const page = await as("admin");
  await open(page, "/w/acme/routes/new");
  await page.getByLabel("Name", { exact: true }).fill("Asked");
  await page.getByLabel("Slug").fill("asked");
  await page.getByLabel("Target base URL").fill("http://127.0.0.1:9");
  await page.getByRole("button", { name: "Create route" }).click();
  await expect(h1(page)).toHaveText("Asked");
  const answer = await hold(page, "**/api/routes/detail");
  await page.getByLabel("Name", { exact: true }).fill("Asked anew");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page).toHaveURL(/saved=route$/);
  const trigger = page.getByRole("button", { name: "Delete route" });
  await trigger.click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toBeVisible();
  answer();
  // Behind a dialog nothing has a role; the second one is for a page that has stopped.
  await expect(page.locator("h1").first()).toHaveText("Asked anew");
  await expect(dialog).toBeVisible();
  await dialog.getByRole("link", { name: "Cancel" }).click();
  await expect(dialog).toHaveCount(0);
  await trigger.click();
  await dialog.getByLabel("Confirmation").fill("asked");
  await dialog.getByRole("button", { name: "Delete route" }).click();
  await expect(h1(page)).toHaveText("Routes");
});

test("a question of a list's row is gone when the list is built anew, and the page behind it in reach", async ({ as }) => {
  const page = await as("admin");
  await open(page, "/w/acme/keys");
  const name = page.getByLabel("Name", { exact: true });
  await name.fill("Asked about");
  await page.getByRole("button", { name: "Create key" }).click();
  await expect(page.getByText("Key Asked about created.")).toBeVisible();
  const answer = await hold(page, "**/api/keys/list");
  await page.getByRole("button", { name: "Disable Asked about" }).click();
  await expect(page).toHaveURL(/saved=key-disabled$/);
  await page.getByRole("button", { name: "Delete Asked about" }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  answer();
  await expect(page.locator("tr", { hasText: "Asked about" })).toContainText("Disabled");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await page.getByRole("button", { name: "Delete Asked about" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete key" }).click();
  await expect(page.getByRole("button", { name: "Delete Asked about" })).toHaveCount(0);
});

test("what is typed in one form stays while another one of its page is sent", async ({ as }) => {
  const page = await as("admin");
  await open(page, "/w/acme/routes/billing");
  const limit = page.getByLabel("Rate limit");
  const reloaded = page.waitForResponse("**/api/routes/detail");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await (await reloaded).finished();
  await expect(page).toHaveURL(/saved=route$/);
  await limit.click();
  await limit.fill("7");
  await page.getByRole("button", { name: "Disable route" }).click();
  await expect(page.getByRole("button", { name: "Enable route" })).toBeVisible();
  await expect(limit).toHaveValue("7");
  await page.getByRole("button", { name: "Enable route" }).click();
  await expect(page.getByRole("button", { name: "Disable route" })).toBeVisible();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page).toHaveURL(/saved=route$/);
  await expect(limit).toHaveValue("7");
  // What is stored is shown, not what was typed.
  await limit.fill(" 0 ");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(limit).toHaveValue("0");
});

test("where no answer came, nobody is told that nothing was saved", async ({ browser, knoxcall }) => {
  // Not `as`: the browser complains of what does not answer.
  const page = await browser.newPage({ baseURL: knoxcall.console });
  await signIn(page, knoxcall.console, EMAIL.admin);
  await open(page, "/w/acme/keys");
  await page.route("**/api/keys/create", async (route) => {
    await route.fetch();
    await route.abort();
  }, { times: 1 });
  await page.getByLabel("Name", { exact: true }).fill("Answer lost");
  await page.getByRole("button", { name: "Create key" }).click();
  await expect(page.getByRole("alert")).toContainText("see in another tab whether it was saved");
  await page.route("**/api/keys/create", (route) => route.fulfill({ status: 504, contentType: "text/html", body: "<h1>Gateway Timeout</h1>" }), { times: 1 });
  await page.getByRole("button", { name: "Create key" }).click();
  await expect(page.getByRole("alert")).toContainText("see in another tab whether it was saved");
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("Answer lost");
  await page.reload();
  await expect(page.getByRole("button", { name: "Delete Answer lost" })).toHaveCount(1);
  await page.close();
});

test("a name without a space to break at leaves the buttons in reach", async ({ as }) => {
  const page = await as("admin");
  const name = "W".repeat(80);
  await open(page, "/w/acme/keys");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Create key" }).click();
  await expect(page.getByText(`Key ${name} created.`)).toBeVisible();
  for (const width of [1920, 1280, 768, 390]) {
    await page.setViewportSize({ width, height: 900 });
    await expectFits(page);
    const button = await page.getByRole("button", { name: `Delete ${name}` }).boundingBox();
    const card = await page.locator("table").locator("xpath=ancestor::*[contains(@class, 'overflow-clip')]").last().boundingBox();
    expect((button?.x ?? Infinity) + (button?.width ?? 0), `${width}`).toBeLessThanOrEqual((card?.x ?? 0) + (card?.width ?? 0));
  }
});

test("what was a moment ago does not stay so on a page that is left open", async ({ as }) => {
  const page = await as("admin");
  await page.clock.install();
  await open(page, "/w/acme/keys");
  const created = page.locator("main time").first();
  await expect(created).toHaveText(/^(just now|\d+ (s|min) ago)$/);
  await page.clock.fastForward("03:00:00");
  await expect(created).toHaveText("3 h ago");
});

for (const minutes of [-10, 10]) {
  test(`what just happened did so a moment ago where the browser's clock is ${minutes} minutes off`, async ({ as }) => {
    const page = await as("admin");
    await page.addInitScript((shift) => {
      const right = Date.now.bind(Date);
      Date.now = () => right() + shift;
    }, minutes * 60_000);
    await open(page, "/w/acme/keys");
    const name = `Made ${minutes} minutes off`;
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByRole("button", { name: "Create key" }).click();
    const created = page.getByRole("row").filter({ hasText: name }).locator("time");
    await expect(created).toHaveText(/^(just now|\d+ s ago)$/);
    await open(page, "/w/acme/keys");
    await expect(created).toHaveText(/^(just now|\d+ s ago)$/);
  });
}

for (const [who, focusless] of [["as most browsers do", false], ["without focus for the button", true]] as const) {
  test(`a press that leaves a wrong field, ${who}, is not lost, and the field says what is wrong`, async ({ as }) => {
    const page = await as("admin");
    if (focusless) await withoutFocusForButtons(page);
    await open(page, "/w/acme/keys");
    const name = page.locator("#key-name");
    await name.fill("x".repeat(81));
    await page.getByRole("button", { name: "Create key" }).hover();
    await page.mouse.down();
    await expect(name).not.toBeFocused();
    await page.evaluate(() => new Promise((seen) => requestAnimationFrame(() => setTimeout(seen))));
    await expect(name).not.toHaveAttribute("aria-invalid", "true");
    const sent = page.waitForRequest((request) => request.method() === "POST" && request.url().includes("/api/"));
    await page.mouse.up();
    await sent;
    await expect(name).toHaveAttribute("aria-invalid", "true");
  });
}

test("a wrong field says so when it is left by the keyboard for a button", async ({ as }) => {
  const page = await as("admin");
  await open(page, "/w/acme/keys");
  const name = page.locator("#key-name");
  await name.fill("x".repeat(81));
  await page.keyboard.press("Tab");
  await expect(name).not.toBeFocused();
  await expect(name).toHaveAttribute("aria-invalid", "true");
});
