// The quick start of the README, with the files that are inside the binary: sign in with what is printed, run the printed
// curl line, and look at the assets.
import { execFileSync } from "node:child_process";
import { KnoxCall } from "../support/knoxcall.ts";
import { expect, hydrated, signIn, test } from "../support/test.ts";

test("the demo's account, curl line and pages work, from the binary alone", async ({ page }) => {
  const knoxcall = await KnoxCall.start({ flags: ["--demo"] });
  const answer = execFileSync("sh", ["-c", `${knoxcall.printed(/^\s+(curl .*)$/m)} --silent --show-error --include`], { encoding: "utf8" });
  expect(answer).toContain("200 OK");
  expect(answer).toContain("x-knox-upstream-status: 200");
  expect(answer).toContain('"path": "/hello"');

  await signIn(page, knoxcall.console, knoxcall.printed(/Email\s+(\S+)/), knoxcall.printed(/Password\s+(\S+)/));
  await page.goto(`${knoxcall.console}/w/demo/routes/echo`);
  await hydrated(page);
  await expect(page.getByRole("heading", { level: 1, name: "Echo" })).toBeVisible();

  const called = execFileSync("sh", ["-c", `${knoxcall.printed(/^\s+(curl .*chat\/completions.*)$/m)} --silent --show-error`], { encoding: "utf8" });
  expect(JSON.parse(called).usage.completion_tokens).toBeGreaterThan(0);
  await page.goto(`${knoxcall.console}/w/demo/webhooks`);
  await hydrated(page);
  await page.getByRole("link", { name: "Built-in receiver" }).click();
  await expect(page.getByText("Delivered").first()).toBeVisible();

  const script = await page.locator('link[rel="modulepreload"]').getAttribute("href");
  const asset = await page.request.get(knoxcall.console + script, { headers: { "accept-encoding": "br" } });
  expect(asset.headers()["cache-control"]).toContain("immutable");
  expect(asset.headers()["content-encoding"]).toBe("br");
  const again = await page.request.get(knoxcall.console + script, { headers: { "if-none-match": asset.headers()["etag"] ?? "" } });
  expect(again.status()).toBe(304);
  // A page that is still open would go on asking, and complain.
  await page.close();
  await knoxcall.stop();
});
