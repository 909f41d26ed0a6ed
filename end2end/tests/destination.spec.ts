// What a person needs to trust a destination: a test before saving, health from real traffic, pause and resume, one that
// pauses itself, history and the way back, backends that fill the form in; in both scopes, as everybody who may look.
import type { Locator } from "@playwright/test";
import { Collector, partial } from "../support/collector.ts";
import { send } from "../support/gateway.ts";
import { EMAIL, expect, expectAccessible, expectFits, hydrated, open, type Page, pill, test, withServer } from "../support/test.ts";

const OWN = "/w/acme/settings/integrations/telemetry";
const GLOBAL = "/settings/integrations/otlp";

const result = (page: Page) => page.getByRole("status", { name: "Test result" });

async function fill(page: Page, endpoint: string): Promise<void> {
  await page.getByLabel("OTLP HTTP endpoint").fill(endpoint);
}

async function save(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText(/^Saved/).first()).toBeVisible();
}

test("a test says per signal what is wrong, and saves nothing", async ({ page, upstream }) => {
  const collector = await Collector.start();
  await withServer(page, upstream.url, "operator", {}, async (knoxcall) => {
    await open(page, knoxcall.console + GLOBAL);
    await fill(page, collector.endpoint);
    const press = async () => page.getByRole("button", { name: "Send test" }).click();
    await press();
    await expect(result(page)).toContainText("Test passed");
    for (const signal of ["traces", "logs", "metrics"]) await expect(result(page).getByRole("listitem").filter({ hasText: signal })).toContainText("200");
    expect(collector.requests.map((request) => request.path).sort()).toEqual(["/v1/logs", "/v1/metrics", "/v1/traces"]);
    await expectAccessible(page);

    for (const [answer, words] of [
      [{ status: 401 }, /refused the credentials \(401\)/],
      [{ status: 404 }, /has nothing at \/v1\/logs \(404\)/],
      [{ status: 302, headers: { location: "http://127.0.0.1:1/" } }, /redirect \(302\)/],
      [partial("no such stream"), /no such stream/],
    ] as const) {
      collector.answers(answer);
      await press();
      await expect(result(page)).toContainText(words);
      await expect(result(page)).toContainText("Test failed");
    }
    await fill(page, "http://127.0.0.1:9");
    await press();
    await expect(result(page)).toContainText("it refused the connection");
    // Six in a minute are enough.
    await press();
    await expect(page.getByRole("alert")).toContainText("Too many attempts");
    await expect(page.getByLabel("OTLP HTTP endpoint")).toHaveValue("http://127.0.0.1:9");
    await page.reload();
    await hydrated(page);
    await expect(page.getByLabel("OTLP HTTP endpoint")).toHaveValue("");
    await expect(pill(page, "Off")).toBeVisible();
  });
  collector.stop();
});

test("a wrong field is named by the test as by a save, and stored headers stay at home", async ({ page, upstream }) => {
  const [home, elsewhere] = [await Collector.start(), await Collector.start()];
  await withServer(page, upstream.url, "admin", {}, async (knoxcall) => {
    await open(page, knoxcall.console + OWN);
    await fill(page, "collector:4318");
    await page.getByRole("button", { name: "Send test" }).click();
    await expect(page.getByText(/start with http:\/\/ or https:\/\//i).first()).toBeVisible();
    await fill(page, home.endpoint);
    await page.getByLabel("Auth headers").fill("x-token=canary");
    await save(page);
    await page.getByRole("button", { name: "Send test" }).click();
    await expect(result(page)).toContainText("Test passed");
    expect(home.requests.at(-1)?.headers["x-token"]).toBe("canary");
    await fill(page, elsewhere.endpoint);
    await page.getByRole("button", { name: "Send test" }).click();
    await expect(page.getByText(/Enter the headers again, or clear them/).first()).toBeVisible();
    expect(elsewhere.requests).toEqual([]);
  });
  home.stop();
  elsewhere.stop();
});

test("a test tells TLS, names, time and forbidden networks apart", async ({ page, upstream }) => {
  const collector = await Collector.start();
  await withServer(page, upstream.url, "admin", {}, async (knoxcall) => {
    await open(page, knoxcall.console + OWN);
    const press = async () => page.getByRole("button", { name: "Send test" }).click();
    await fill(page, collector.endpoint.replace("http:", "https:"));
    await press();
    await expect(result(page)).toContainText("Couldn't set up TLS");
    await fill(page, "http://no-such-host.invalid");
    await press();
    await expect(result(page)).toContainText("the name doesn't resolve");
    collector.answers("hang");
    await page.getByText("Advanced").click();
    await page.getByLabel("Timeout").fill("1");
    await fill(page, collector.endpoint);
    await press();
    await expect(result(page)).toContainText("didn't answer in time");
    collector.answers({ status: 503 });
    await press();
    await expect(result(page)).toContainText("is not available at the moment (503)");
    // Never asked: the address alone says that no workspace may go there.
    await fill(page, "http://169.254.169.254");
    await press();
    await expect(page.getByRole("alert")).toContainText(/OTLP HTTP endpoint.*metadata/i);
    await expect(page.getByLabel("OTLP HTTP endpoint")).toHaveAttribute("aria-invalid", "true");
  });
  collector.stop();
});

test("health follows the traffic, a failing one says so, and a pause stops it", async ({ page, upstream }) => {
  const collector = await Collector.start();
  await withServer(page, upstream.url, "admin", {}, async (knoxcall) => {
    await open(page, knoxcall.console + OWN);
    await fill(page, collector.endpoint);
    await save(page);
    await expect(pill(page, "Active")).toBeVisible();
    for (let sent = 0; sent < 3; sent++) await send(knoxcall.gateway, "/x");
    // Without a reload.
    const attempts = page.getByRole("table", { name: "Last attempts" });
    await expect(attempts.getByRole("row").nth(1)).toContainText("Delivered");
    await expect(page.getByRole("table", { name: /Sent and lost in the last hour/ })).toContainText("This minute");
    await expectAccessible(page);

    collector.answers({ status: 400 });
    await send(knoxcall.gateway, "/x");
    await expect(pill(page, "Failing")).toBeVisible();
    await expect(attempts.getByRole("row").nth(1)).toContainText("Failed for good");
    await expect(attempts.getByRole("row").nth(1)).toContainText("400");

    await page.getByRole("button", { name: "Pause", exact: true }).click();
    await expect(pill(page, "Paused")).toBeVisible();
    await expect(page.getByText(`Paused by ${EMAIL.admin}`).first()).toBeVisible();
    await expectAccessible(page);
    const before = collector.requests.length;
    collector.answers({ status: 200 });
    for (let sent = 0; sent < 2; sent++) await send(knoxcall.gateway, "/x");
    await page.goto(`${knoxcall.console}/w/acme/settings/integrations`);
    await expect(pill(page, "Paused")).toBeVisible();
    expect(collector.requests.length).toBe(before);
    await open(page, knoxcall.console + OWN);
    await page.getByRole("button", { name: "Resume", exact: true }).click();
    await expect(pill(page, "Active")).toBeVisible();
    await send(knoxcall.gateway, "/x");
    await expect.poll(() => collector.requests.length).toBeGreaterThan(before);
    for (const width of [390, 768, 1280, 1920]) {
      await page.setViewportSize({ width, height: 900 });
      await expectFits(page);
    }
  });
  collector.stop();
});

test("on a narrow screen an attempt takes two lines, and the newest five come first", async ({ page, upstream }) => {
  const collector = await Collector.start();
  await withServer(page, upstream.url, "admin", {}, async (knoxcall) => {
    await open(page, knoxcall.console + OWN);
    await fill(page, collector.endpoint);
    await save(page);
    for (let sent = 1; sent <= 7; sent++) {
      await send(knoxcall.gateway, "/x");
      await expect.poll(() => collector.requests.length).toBeGreaterThanOrEqual(sent);
    }
    const rows = page.getByRole("table", { name: "Last attempts" }).getByRole("row");
    // With the head; what is waited for is that the page has heard of all.
    await expect.poll(() => rows.count()).toBeGreaterThanOrEqual(8);
    const all = await rows.count();
    await expect(page.getByText(/^Show \d+ more attempts?$/)).toBeHidden();
    await page.setViewportSize({ width: 390, height: 900 });
    await expect(rows).toHaveCount(6);
    await expect(rows.nth(1)).toContainText("1 record");
    expect((await rows.nth(1).boundingBox())?.height).toBeLessThan(70);
    await expectFits(page);
    await expectAccessible(page);
    await page.getByText(/^Show \d+ more attempts?$/).click();
    await expect.poll(() => rows.count()).toBeGreaterThanOrEqual(all);
    await expectFits(page);
    await page.getByText("Show fewer attempts").click();
    await expect(rows).toHaveCount(6);
  });
  collector.stop();
});

test("one that only fails pauses itself and resumes only after a test that passes", async ({ page, upstream }) => {
  test.setTimeout(120_000);
  const collector = await Collector.start();
  collector.answers({ status: 400 });
  await withServer(page, upstream.url, "operator", { flags: ["--pause-failing-after", "8s"], env: { OTEL_BSP_SCHEDULE_DELAY: "20", OTEL_BLRP_SCHEDULE_DELAY: "20" } }, async (knoxcall) => {
    await open(page, knoxcall.console + GLOBAL);
    await fill(page, collector.endpoint);
    await save(page);
    const failUntil = (sign: Locator) =>
      expect
        .poll(
          async () => {
            await send(knoxcall.gateway, "/x");
            return sign.isVisible();
          },
          { timeout: 60_000, intervals: [150] },
        )
        .toBe(true);
    await failUntil(page.getByText(/If that goes on, this export pauses itself on /));
    await failUntil(pill(page, "Paused"));
    await page.reload();
    await hydrated(page);
    await expect(page.getByText(/Paused itself, after it had only failed/)).toBeVisible();
    await expect(page.getByText(/Paused itself after \d+ attempts with no success/)).toBeVisible();
    await expectAccessible(page);
    await page.getByRole("button", { name: "Test and resume" }).click();
    await expect(page.getByText(/The last test did not pass, so it stays paused/)).toBeVisible();
    await expect(pill(page, "Paused")).toBeVisible();
    collector.answers({ status: 200 });
    await page.getByRole("button", { name: "Test and resume" }).click();
    await expect(pill(page, "Active")).toBeVisible();
  });
  collector.stop();
});

test("history says who changed what, and a revert brings it back", async ({ page, upstream }) => {
  const [first, second] = [await Collector.start(), await Collector.start()];
  await withServer(page, upstream.url, "admin", {}, async (knoxcall) => {
    await open(page, knoxcall.console + OWN);
    await fill(page, first.endpoint);
    await page.getByLabel("Auth headers").fill("x-token=good");
    await save(page);
    await fill(page, second.endpoint);
    await page.getByRole("button", { name: "Replace" }).click();
    await page.getByLabel("Auth headers").fill("x-token=wrong");
    await save(page);
    const history = page.getByRole("list").filter({ hasText: "Saved by" }).first();
    await expect(history.getByRole("listitem").first()).toContainText(EMAIL.admin);
    await expect(history).toContainText(`OTLP HTTP endpoint: ${second.endpoint} instead of ${first.endpoint}`);
    await expect(history).toContainText("Auth headers: changed");
    expect(await page.content()).not.toContain("x-token=");
    await page.getByRole("button", { name: "Revert to generation 1" }).click();
    await expectAccessible(page);
    await page.getByRole("dialog").getByRole("button", { name: "Revert export" }).click();
    await expect(page.getByLabel("OTLP HTTP endpoint")).toHaveValue(first.endpoint);
    await expect(page.getByText("Reverted to generation 1")).toBeVisible();
    await send(knoxcall.gateway, "/x");
    await expect.poll(() => first.requests.at(-1)?.headers["x-token"]).toBe("good");
  });
  first.stop();
  second.stop();
});

test("a backend fills the form in and saves nothing by it", async ({ as }) => {
  const page = await as("operator");
  await open(page, GLOBAL);
  await page.getByLabel("Backend").selectOption({ label: "Datadog" });
  await page.getByRole("button", { name: "Fill in" }).click();
  await expect(page).toHaveURL(/\/otlp\?preset=datadog$/);
  await expect(page.getByLabel("OTLP HTTP endpoint")).toHaveValue("https://otlp.datadoghq.com");
  await expect(page.getByText("https://otlp.datadoghq.com/v1/logs", { exact: true })).toBeVisible();
  await expect(page.getByLabel("Auth headers")).toHaveValue("dd-api-key=<API key>");
  await expect(page.getByLabel("Metric temporality")).toHaveValue("delta");
  await expect(page.getByRole("switch", { name: "Export traces" })).not.toBeChecked();
  await expect(page.getByRole("link", { name: /Datadog documentation/ })).toHaveAttribute("href", /^https:\/\/docs\.datadoghq\.com\//);
  await expectAccessible(page);
  // What is typed for one backend, above all its key, is not for the next; what no backend fills in stays.
  await page.getByLabel("Auth headers").fill("dd-api-key=typed");
  await page.getByLabel("Service name").fill("typed");
  await page.getByLabel("Backend").selectOption({ label: "Honeycomb" });
  await page.getByRole("button", { name: "Fill in" }).click();
  await expect(page.getByLabel("OTLP HTTP endpoint")).toHaveValue("https://api.honeycomb.io");
  await expect(page.getByLabel("Auth headers")).toHaveValue("x-honeycomb-team=<ingest key>");
  await expect(page.getByLabel("Service name")).toHaveValue("typed");
  await page.goBack();
  await expect(page.getByLabel("OTLP HTTP endpoint")).toHaveValue("https://otlp.datadoghq.com");
  await expect(page.getByLabel("Auth headers")).toHaveValue("dd-api-key=<API key>");
  await expect(page.getByLabel("Backend")).toHaveValue("datadog");
  await open(page, GLOBAL);
  await expect(page.getByLabel("OTLP HTTP endpoint")).toHaveValue("");
});

test("where each signal goes is told of the endpoint in the field, whoever put it there", async ({ as }) => {
  const page = await as("operator");
  await open(page, GLOBAL);
  const endpoint = page.getByLabel("OTLP HTTP endpoint");
  const sentTo = (base: string) => page.getByText(`${base}/v1/metrics`, { exact: true });
  // A backend without an address of its own leaves what was typed.
  await endpoint.fill("https://typed.example");
  await expect(sentTo("https://typed.example")).toBeVisible();
  await page.getByLabel("Backend").selectOption({ label: "Generic OTLP" });
  const loaded = page.waitForResponse("**/api/integrations/export");
  await page.getByRole("button", { name: "Fill in" }).click();
  await (await loaded).finished();
  await expect(page.getByText("Any receiver of OTLP over HTTP with protobuf.")).toBeVisible();
  await expect(endpoint).toHaveValue("https://typed.example");
  await expect(sentTo("https://typed.example")).toBeVisible();
  await page.getByLabel("Backend").selectOption({ label: "Honeycomb" });
  await page.getByRole("button", { name: "Fill in" }).click();
  await expect(endpoint).toHaveValue("https://api.honeycomb.io");
  await expect(sentTo("https://api.honeycomb.io")).toBeVisible();
});

test("what the environment manages is shown, locked, and neither paused nor reverted", async ({ page, upstream }) => {
  const collector = await Collector.start();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_EXPORTER_OTLP_TIMEOUT: "5000", OTEL_EXPORTER_OTLP_HEADERS: "x-env=canary" };
  await withServer(page, upstream.url, "operator", { env }, async (knoxcall) => {
    await open(page, knoxcall.console + GLOBAL);
    await expect(pill(page, "Managed by environment")).toBeVisible();
    await expect(page.getByLabel("OTLP HTTP endpoint")).not.toBeEditable();
    await expect(page.getByLabel("Timeout")).not.toBeEditable();
    await expect(page.getByText("OTEL_EXPORTER_OTLP_TIMEOUT")).toBeVisible();
    await expect(page.getByRole("button", { name: "Pause", exact: true })).toHaveCount(0);
    await page.getByRole("button", { name: "Send test" }).click();
    await expect(result(page)).toContainText("Test passed");
    expect(collector.requests.at(-1)?.headers["x-env"]).toBe("canary");
    expect(await page.content()).not.toContain("canary");
    await expectAccessible(page);
  });
  collector.stop();
});

test("a viewer sees the card and can change nothing; a workspace's admin does not learn of Global", async ({ as }) => {
  const viewer = await as("viewer");
  await open(viewer, OWN);
  await expect(viewer.getByText("Your role may look at these but not change them.")).toBeVisible();
  for (const name of ["Save", "Send test", "Pause", "Fill in"]) await expect(viewer.getByRole("button", { name, exact: true })).toHaveCount(0);
  await expectAccessible(viewer);
  const admin = await as("admin");
  await open(admin, OWN);
  await expect(admin.getByText("Global")).toHaveCount(0);
  const refused = await admin.goto(GLOBAL);
  expect(refused?.status()).toBe(404);
});

test("by keyboard alone: a test is sent and its result is heard", async ({ page, upstream }) => {
  const collector = await Collector.start();
  await withServer(page, upstream.url, "admin", {}, async (knoxcall) => {
    await open(page, knoxcall.console + OWN);
    await page.getByLabel("OTLP HTTP endpoint").focus();
    await page.keyboard.type(collector.endpoint);
    const button = page.getByRole("button", { name: "Send test" });
    for (let presses = 0; presses < 30 && !(await button.evaluate((element) => element === document.activeElement)); presses++) {
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Enter");
    await expect(result(page)).toContainText("Test passed");
    await expect(button).toBeFocused();
  });
  collector.stop();
});
