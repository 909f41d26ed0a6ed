// AI agents as an admin uses them: made, changed, switched off and deleted, and how the page says they are called.
import { expect, expectAccessible, expectFits, open, type Page, pill, test } from "../support/test.ts";

const NEW = "/w/acme/agents/new";
const save = (page: Page) => page.getByRole("button", { name: "Save", exact: true });

async function remove(page: Page, slug: string): Promise<void> {
  await page.getByRole("button", { name: "Delete agent" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Confirmation").fill(slug);
  await dialog.getByRole("button", { name: "Delete agent" }).click();
  await expect(page.getByText("AI agent deleted.")).toBeVisible();
}

test("a wrong field is named, what was typed stays, and the credential is never shown again", async ({ as, knoxcall, upstream }) => {
  const page = await as("admin");
  await open(page, NEW);
  const [slug, provider, base, credential] = [page.getByLabel("Slug"), page.getByLabel("Provider"), page.getByLabel("Base URL"), page.getByLabel("Credential")];
  await expect(base).toHaveAttribute("placeholder", "https://api.openai.com/v1");
  await provider.selectOption("anthropic");
  await expect(base).toHaveAttribute("placeholder", "https://api.anthropic.com");
  await provider.selectOption("openai_compatible");
  await expect(base).toHaveAttribute("placeholder", "https://llm.example.com/v1");
  await slug.fill("Not A Slug");
  await base.fill(upstream.url);
  await credential.fill("sk-canary");
  const create = page.getByRole("button", { name: "Create agent" });
  await create.click();
  await expect(page.getByRole("alert")).toContainText("use 1 to 63 of a-z");
  await expect(base).toHaveValue(upstream.url);
  await expect(provider).toHaveValue("openai_compatible");
  await slug.fill("support-bot");
  await page.getByLabel("Tokens per minute").fill("many");
  await create.click();
  await expect(page.getByRole("alert")).toContainText("Tokens per minute: give a whole number");
  await expectAccessible(page);
  await page.getByLabel("Tokens per minute").fill("90000");
  await page.getByLabel("Allowed models").fill("small\nlarge");
  await create.click();
  await expect(page.getByText("AI agent created.")).toBeVisible();
  await expect(page.getByRole("heading", { level: 1, name: "support-bot" })).toBeVisible();
  await expect(page.getByText(`curl ${knoxcall.gateway}/v1/ai/support-bot/chat/completions`)).toBeVisible();
  await expect(page.getByText(`base_url="${knoxcall.gateway}/v1/ai/support-bot"`)).toBeVisible();
  await expect(page.getByText(`"model": "small"`)).toBeVisible();
  await expect(page.getByText(/^Set on .* by admin@acme.test$/)).toBeVisible();
  expect(await page.content()).not.toContain("sk-canary");
  await expectAccessible(page);
  await page.setViewportSize({ width: 390, height: 900 });
  await expectFits(page);
  await page.setViewportSize({ width: 1280, height: 900 });

  await open(page, NEW);
  await slug.fill("support-bot");
  await provider.selectOption("openai_compatible");
  await base.fill(upstream.url);
  await create.click();
  await expect(page.getByRole("alert")).toContainText("taken already");
  await open(page, "/w/acme/agents/support-bot");
  await remove(page, "support-bot");
  await expect(page.getByRole("link", { name: "support-bot" })).toHaveCount(0);
});

test("changed, its credential kept at home and cleared, disabled and enabled", async ({ as, upstream }) => {
  const page = await as("admin");
  await open(page, NEW);
  await page.getByLabel("Slug").fill("changing");
  await page.getByLabel("Provider").selectOption("openai_compatible");
  await page.getByLabel("Base URL").fill(upstream.url);
  await page.getByLabel("Credential").fill("sk-canary");
  await page.getByRole("button", { name: "Create agent" }).click();
  await expect(page.getByText("AI agent created.")).toBeVisible();

  await page.getByLabel("Output tokens per request").fill("4096");
  const reloaded = page.waitForResponse("**/api/agents/detail");
  await save(page).click();
  await expect(page.getByText("AI agent saved.")).toBeVisible();
  await expect(page.getByLabel("Output tokens per request")).toHaveValue("4096");
  await (await reloaded).finished();
  // What is typed stays and is seen while another form of the page is sent.
  await page.getByRole("button", { name: "Replace" }).click();
  await page.getByLabel("Credential").fill("half of another");
  await page.getByRole("button", { name: "Disable agent" }).click();
  await expect(page.getByRole("button", { name: "Enable agent" })).toBeVisible();
  await expect(page.getByLabel("Credential")).toBeVisible();
  await expect(page.getByLabel("Credential")).toHaveValue("half of another");
  await page.getByRole("button", { name: "Keep stored" }).click();
  await page.getByRole("button", { name: "Enable agent" }).click();
  await expect(page.getByRole("button", { name: "Disable agent" })).toBeVisible();
  await page.getByLabel("Base URL").fill(upstream.url.replace("127.0.0.1", "localhost"));
  await save(page).click();
  await expect(page.getByRole("alert")).toContainText("never sent to another origin");
  await page.getByLabel("Base URL").fill(upstream.url);
  // What was refused is open to be entered again.
  await page.getByRole("button", { name: "Keep stored" }).click();
  await page.getByRole("button", { name: "Clear" }).click();
  await save(page).click();
  await expect(page.getByText(/^Set on/)).toHaveCount(0);

  await page.getByRole("button", { name: "Disable agent" }).click();
  await expect(page.getByText(/^AI agent disabled/)).toBeVisible();
  await expect(pill(page, "Disabled")).toBeVisible();
  await expect(page.getByText("calls to it are answered with 404").first()).toBeVisible();
  await page.getByRole("button", { name: "Enable agent" }).click();
  await expect(pill(page, "Enabled")).toBeVisible();
  await remove(page, "changing");
});

test("by keyboard alone", async ({ as }) => {
  const page = await as("admin");
  await open(page, "/w/acme/agents");
  await page.getByRole("link", { name: "Create agent" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "Create agent" })).toBeVisible();
  await page.getByLabel("Slug").focus();
  await page.keyboard.type("keys-only");
  for (const text of ["", "", "sk-canary"]) {
    await page.keyboard.press("Tab");
    await page.keyboard.type(text);
  }
  await expect(page.getByLabel("Credential")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByText("AI agent created.")).toBeVisible();
  await page.getByRole("button", { name: "Delete agent" }).focus();
  await page.keyboard.press("Enter");
  await page.keyboard.type("keys-only");
  await page.keyboard.press("Enter");
  await expect(page.getByText("AI agent deleted.")).toBeVisible();
});

test("a viewer reads and changes nothing; for a stranger it is not there", async ({ as }) => {
  const viewer = await as("viewer");
  await open(viewer, "/w/acme/agents/assistant");
  await expect(viewer.getByText("Your role may look at these but not change them.")).toBeVisible();
  await expect(viewer.getByRole("main").getByRole("button", { name: /save|delete|disable|enable/i })).toHaveCount(0);
  expect((await viewer.goto("/w/acme/agents/new"))?.status()).toBe(404);
  const stranger = await as("stranger");
  for (const page of ["/w/acme/agents", "/w/acme/agents/new", "/w/acme/agents/assistant", "/w/globex/agents/assistant"]) {
    expect((await stranger.goto(page))?.status(), page).toBe(404);
  }
});
