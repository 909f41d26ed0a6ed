// The export card: by keyboard alone, with wrong input, with a secret, and with somebody else's change in between.
import { expect, hydrated, test } from "../support/test.ts";

const CARD = "/w/acme/settings/integrations/telemetry";

test.describe.configure({ mode: "serial" });

test("by keyboard alone, and the state comes true", async ({ as }) => {
  const page = await as("admin");
  await page.goto(CARD);
  await hydrated(page);
  await page.getByLabel("OTLP HTTP endpoint").focus();
  await page.keyboard.type("http://127.0.0.1:9");
  await page.keyboard.press("Tab");
  await expect(page.getByLabel("Service name")).toBeFocused();
  await page.keyboard.type("acme-gateway");
  await page.keyboard.press("Enter");
  await expect(page.getByText(/^Saved/).first()).toBeVisible();
  await page.reload();
  await expect(page.getByLabel("OTLP HTTP endpoint")).toHaveValue("http://127.0.0.1:9");
  await expect(page.getByLabel("Service name")).toHaveValue("acme-gateway");
});

test("wrong input names the rule, keeps what was typed, and changes nothing", async ({ as }) => {
  const page = await as("admin");
  await page.goto(CARD);
  await hydrated(page);
  const endpoint = page.getByLabel("OTLP HTTP endpoint");
  await endpoint.fill("collector:4318");
  await page.getByLabel("Service name").fill("another");
  // The click itself has to arrive: an error line that appears meanwhile must not move the button away.
  const refused = page.waitForResponse((response) => response.url().includes("save-export"));
  await page.getByRole("button", { name: "Save" }).click();
  expect((await refused).status()).toBe(422);
  await expect(page.getByText(/start with http:\/\/ or https:\/\//i).first()).toBeVisible();
  await expect(endpoint).toHaveValue("collector:4318");
  await expect(page.getByLabel("Service name")).toHaveValue("another");
  await expect(endpoint).toHaveAttribute("aria-invalid", "true");
  await page.reload();
  await expect(endpoint).toHaveValue("http://127.0.0.1:9");
  await expect(page.getByLabel("Service name")).toHaveValue("acme-gateway");
});

test("a secret is never shown again, and another origin asks for it anew", async ({ as }) => {
  const page = await as("admin");
  await page.goto(CARD);
  await hydrated(page);
  await page.getByLabel("Auth headers").fill("Authorization=Bearer planted-secret");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText(/^Saved/).first()).toBeVisible();
  await page.reload();
  await hydrated(page);
  expect(await page.content()).not.toContain("planted-secret");
  await expect(page.getByText(/Authorization/).first()).toBeVisible();

  await page.getByLabel("OTLP HTTP endpoint").fill("http://127.0.0.2:9");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText(/enter the headers again/).first()).toBeVisible();
  await page.reload();
  await expect(page.getByLabel("OTLP HTTP endpoint")).toHaveValue("http://127.0.0.1:9");
});

test("a change that somebody else made meanwhile is not overwritten unseen", async ({ as }) => {
  const [first, second] = [await as("admin"), await as("operator")];
  for (const page of [first, second]) {
    await page.goto(CARD);
    await hydrated(page);
  }
  await first.getByLabel("Service name").fill("first");
  await first.getByRole("button", { name: "Save" }).click();
  await expect(first.getByText(/^Saved/).first()).toBeVisible();
  await second.getByLabel("Service name").fill("second");
  await second.getByRole("button", { name: "Save" }).click();
  await expect(second.getByRole("alert").first()).toContainText("Someone else changed this meanwhile");
  await expect(second.getByLabel("Service name")).toHaveValue("second");
});
