// The Integrations page and the pages of its cards as they are meant to look. A deliberate change of the look is taken over with
// `npx playwright test visual --update-snapshots` (see cargo xtask test browser for what it needs); look at the new pictures first.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { KnoxCall } from "../support/knoxcall.ts";
import { bootstrap, EMAIL, expect, hydrated, signIn, test } from "../support/test.ts";

const PAGES = [
  ["integrations", "/settings/integrations"],
  ["export", "/settings/integrations/otlp"],
  ["error-tracking", "/settings/integrations/sentry"],
  ["workspace-export", "/w/globex/settings/integrations/telemetry"],
] as const;

test("the integrations look as they did", async ({ page, upstream }, info) => {
  const first = info.snapshotPath("integrations-390-light.png");
  test.skip(!existsSync(first) && info.config.updateSnapshots !== "all", `there are no pictures of this platform (${first})`);
  // With other fonts every line is different, and that says nothing about the pages.
  const fonts = await page.evaluate(() =>
    ["system-ui, sans-serif", "monospace"].map((family) => {
      const context = document.createElement("canvas").getContext("2d");
      if (context) context.font = `14px ${family}`;
      return Math.round((context?.measureText("The quick brown fox, 0123456789").width ?? 0) * 10);
    }),
  );
  const taken = join(dirname(first), "fonts.json");
  if (info.config.updateSnapshots === "all") writeFileSync(taken, `${JSON.stringify(fonts)}\n`);
  test.skip(readFileSync(taken, "utf8").trim() !== JSON.stringify(fonts), `the pictures were taken with other fonts (${taken})`);
  // A port that is not asked: nothing is exported, so nothing on the page depends on time.
  const text = `${bootstrap(upstream.url)}[workspace.telemetry]\nendpoint = "http://127.0.0.1:9"\n`;
  const knoxcall = await KnoxCall.start({ bootstrap: text });
  await signIn(page, knoxcall.console, EMAIL.operator);
  for (const theme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    for (const width of [390, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      for (const [name, path] of PAGES) {
        await page.goto(knoxcall.console + path);
        await hydrated(page);
        // Points in time are written out, so that lines don't break differently a second later.
        await page.evaluate(() => document.querySelectorAll("time").forEach((time) => (time.textContent = time.title)));
        await expect(page).toHaveScreenshot(`${name}-${width}-${theme}.png`, { fullPage: true, mask: [page.locator("time")], maxDiffPixelRatio: 0.03 });
      }
    }
  }
  await page.close();
  await knoxcall.stop();
});
