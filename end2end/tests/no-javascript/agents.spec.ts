// AI agents with JavaScript switched off.
import { expectSaid, expectToBeEnteredAgain, refused } from "../../support/forms.ts";
import { expect, test } from "../../support/test.ts";

test("an agent is created, changed, disabled, enabled and deleted", async ({ as, upstream }) => {
  const page = await as("admin");
  await page.goto("/w/acme/agents/new");
  const [slug, provider, base, credential, models] = [page.getByLabel("Slug"), page.getByLabel("Provider"), page.getByLabel("Base URL"), page.getByLabel("Credential"), page.getByLabel("Allowed models")];
  await slug.fill("Not A Slug");
  await provider.selectOption("openai_compatible");
  await base.fill(upstream.url);
  await credential.fill("hunter2");
  await models.fill("small\nlarge");
  await refused(page, page.getByRole("button", { name: "Create agent" }), /use 1 to 63 of a-z/);
  await expect(slug).toHaveValue("Not A Slug");
  await expect(provider).toHaveValue("openai_compatible");
  await expect(base).toHaveValue(upstream.url);
  await expect(models).toHaveValue(/small\s+large/);
  await expectToBeEnteredAgain(credential);
  expect(await page.content()).not.toContain("hunter");
  await slug.fill("plain");
  await credential.fill("hunter2");
  await page.getByRole("button", { name: "Create agent" }).click();
  await expectSaid(page, /^AI agent created/);
  await expect(models).toHaveValue(/^small\nlarge$/);

  await page.getByLabel("Output tokens per request").fill("0");
  await refused(page, page.getByRole("button", { name: "Save", exact: true }), /give a whole number/);
  await expect(page.getByLabel("Output tokens per request")).toHaveValue("0");
  await page.getByLabel("Output tokens per request").fill("4096");
  await page.getByLabel("Clear what is stored").check();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expectSaid(page, /^AI agent saved/);
  await expect(page.getByLabel("Output tokens per request")).toHaveValue("4096");
  await expect(page.getByText(/^Set on/)).toHaveCount(0);

  await page.getByRole("button", { name: "Disable agent" }).click();
  await expectSaid(page, /^AI agent disabled/);
  await page.getByRole("button", { name: "Enable agent" }).click();
  await expectSaid(page, /^AI agent enabled/);
  await page.getByRole("button", { name: "Delete agent" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Confirmation").fill("plan");
  await refused(page, dialog.getByRole("button", { name: "Delete agent" }), /to confirm/);
  await dialog.getByLabel("Confirmation").fill("plain");
  await dialog.getByRole("button", { name: "Delete agent" }).click();
  await expectSaid(page, /^AI agent deleted/);
});
