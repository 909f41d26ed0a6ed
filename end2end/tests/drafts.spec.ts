// A form that is sent before the page has come to life: what follows is the page without JavaScript's answer, hydrated.
import { EMAIL, expect, expectAccessible, hydrated, type Page, signIn, test } from "../support/test.ts";

const CARD = "/w/acme/settings/integrations/telemetry";

/** Opens a page whose code does not arrive, then lets it through for the pages that follow. */
async function openBeforeLife(page: Page, path: string): Promise<void> {
  await page.route("**/pkg/*.wasm", (route) => route.abort());
  // The code is asked for after the page was painted; without it the app says that it can't start.
  const noStart = page.waitForEvent("pageerror");
  await page.goto(path);
  await noStart;
  await page.waitForLoadState("networkidle");
  await page.unroute("**/pkg/*.wasm");
}

test("the page with what was typed comes to life, and is done with the draft once it is saved", async ({ page, knoxcall }) => {
  const complaints: string[] = [];
  page.removeAllListeners("pageerror");
  page.removeAllListeners("console");
  await signIn(page, knoxcall.console, EMAIL.admin);
  await openBeforeLife(page, `${knoxcall.console}${CARD}`);
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" || /hydration/i.test(message.text())) complaints.push(message.text());
  });
  const [endpoint, service, headers] = [page.getByLabel("OTLP HTTP endpoint"), page.getByLabel("Service name"), page.getByLabel("Auth headers", { exact: true })];
  await endpoint.fill("collector:4318");
  await service.fill("typed early");
  await headers.fill("Authorization=Bearer hunter2");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page).toHaveURL(/draft=/);
  await hydrated(page);
  await expect(endpoint).toHaveValue("collector:4318");
  await expect(endpoint).toHaveAttribute("aria-invalid", "true");
  await expect(service).toHaveValue("typed early");
  await expect(headers).toHaveAccessibleDescription(/Enter this again/);
  await expect(page.getByRole("alert").filter({ hasText: "OTLP HTTP endpoint" })).toBeVisible();
  await expectAccessible(page);

  // Gone and back without a document: the page tells of nothing that is over.
  await page.getByRole("link", { name: "API keys" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "API keys" })).toBeVisible();
  await page.getByRole("link", { name: "Integrations" }).first().click();
  await page.getByRole("link", { name: /Telemetry export/ }).click();
  await expect(page.getByRole("button", { name: "Save", exact: true })).toBeVisible();
  await expect(page.getByRole("alert")).toHaveCount(0);
  await expect(service).toHaveValue("");
  expect(complaints).toEqual([]);
});

test("what came back is corrected and saved by the living page", async ({ page, knoxcall }) => {
  await signIn(page, knoxcall.console, EMAIL.stranger);
  page.removeAllListeners("pageerror");
  page.removeAllListeners("console");
  await openBeforeLife(page, `${knoxcall.console}/w/globex/routes/new`);
  await page.getByLabel("Name").fill("Early bird");
  await page.getByLabel("Slug").fill("Early Bird");
  await page.getByLabel("Target base URL").fill("http://127.0.0.1:9");
  await page.getByRole("button", { name: "Create route" }).click();
  await hydrated(page);
  await expect(page.getByLabel("Slug")).toHaveValue("Early Bird");
  await page.getByLabel("Slug").fill("early-bird");
  await expect(page.getByLabel("Slug")).not.toHaveAttribute("aria-invalid", "true");
  await page.getByRole("button", { name: "Create route" }).click();
  await expect(page).toHaveURL(/\/routes\/early-bird\?saved=route-created$/);
  await expect(page.getByRole("heading", { level: 1, name: "Early bird" })).toBeVisible();
});
