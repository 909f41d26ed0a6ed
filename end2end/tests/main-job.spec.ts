// The whole job, as somebody does it for the first time: from the setup link to telemetry in a collector that others wrote,
// moved live between collectors, and seen failing.
import { KnoxCall } from "../support/knoxcall.ts";
import { freePort, Rotel } from "../support/rotel.ts";
import { Upstream } from "../support/upstream.ts";
import { expect, hydrated, PASSWORD, test } from "../support/test.ts";

test.describe.configure({ timeout: 180_000 });

test("from first start to telemetry in a real collector", async ({ page }) => {
  const upstream = await Upstream.start();
  // Metrics every second instead of every minute, so that the test sees them arrive.
  const knoxcall = await KnoxCall.start({ env: { OTEL_METRIC_EXPORT_INTERVAL: "1000" } });
  const [first, second] = [await Rotel.start(), await Rotel.start()];
  let key = "";
  const send = async (path: string) => {
    const response = await fetch(`${knoxcall.gateway}${path}`, { headers: { "x-knoxcall-key": key, "x-knoxcall-route": "billing" } });
    await response.arrayBuffer();
    return response;
  };

  await test.step("set up the operator with the one-time link", async () => {
    const link = knoxcall.setupLink();
    await page.goto(link);
    await hydrated(page);
    await page.getByLabel("Email").fill("ana@example.test");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Create account" }).click();
    await expect(page).toHaveURL(`${knoxcall.console}/`);
    const again = await page.request.get(link);
    expect(await again.text()).toContain("has been used");
  });

  await test.step("create a workspace", async () => {
    await page.goto(`${knoxcall.console}/settings/workspaces`);
    await hydrated(page);
    await page.getByLabel("Name").fill("Acme");
    await page.getByLabel("Slug").fill("acme");
    await page.getByRole("button", { name: "Create workspace" }).click();
    await expect(page.getByRole("link", { name: "Acme" }).first()).toBeVisible();
  });

  await test.step("create a route", async () => {
    await page.goto(`${knoxcall.console}/w/acme/routes/new`);
    await hydrated(page);
    await page.getByLabel("Name").fill("Billing API");
    await page.getByLabel("Slug").fill("billing");
    await page.getByLabel("Target base URL").fill(upstream.url);
    await page.getByRole("button", { name: "Create route" }).click();
    await expect(page).toHaveURL(/\/w\/acme\/routes\/billing/);
  });

  await test.step("create a key, shown once", async () => {
    await page.goto(`${knoxcall.console}/w/acme/keys`);
    await hydrated(page);
    await page.getByLabel("Name").fill("ci");
    await page.getByRole("button", { name: "Create key" }).click();
    const shown = page.getByText(/tk_[A-Za-z0-9]{20,}/).first();
    await expect(shown).toBeVisible();
    key = /tk_[A-Za-z0-9]+/.exec((await shown.textContent()) ?? "")?.[0] ?? "";
    await page.reload();
    await expect(page.getByText(key)).toHaveCount(0);
  });

  await test.step("a request goes through the gateway", async () => {
    const response = await send("/orders/before");
    expect(response.status).toBe(200);
    expect(response.headers.get("x-knox-upstream-status")).toBe("200");
  });

  const otlp = `${knoxcall.console}/settings/integrations/otlp`;
  const save = async (endpoint: string) => {
    await page.goto(otlp);
    await hydrated(page);
    await page.getByLabel("OTLP HTTP endpoint").fill(endpoint);
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByText(/^Saved/).first()).toBeVisible();
  };

  await test.step("set the endpoint: all three signals arrive", async () => {
    await save(first.endpoint);
    await send("/orders/one");
    await expect.poll(() => first.output()).toContain("/orders/one");
    await expect.poll(() => first.output()).toContain("knoxcall.proxy.request.duration");
    const output = first.output();
    expect(output).toContain("GET billing");
    expect(output).toContain("knoxcall.proxy.request");
    expect(output).not.toContain("/orders/before");
    await expect(page.getByText("Active").first()).toBeVisible();
  });

  await test.step("turn traces off: logs and metrics go on", async () => {
    await page.goto(otlp);
    await hydrated(page);
    await page.getByRole("switch", { name: "Export traces" }).uncheck();
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByText(/^Saved/).first()).toBeVisible();
    const before = first.output().length;
    await send("/orders/two");
    await expect.poll(() => first.output().slice(before)).toContain("/orders/two");
    await expect.poll(() => first.output().slice(before)).toContain("knoxcall.proxy.requests");
    expect(first.output().slice(before)).not.toContain("GET billing");
  });

  await test.step("change the endpoint: traffic moves", async () => {
    await save(second.endpoint);
    await send("/orders/three");
    await expect.poll(() => second.output()).toContain("/orders/three");
    expect(first.output()).not.toContain("/orders/three");
  });

  await test.step("a dead endpoint: the card says failing, and requests go on", async () => {
    const dead = await freePort();
    await save(`http://127.0.0.1:${dead}`);
    expect((await send("/orders/four")).status).toBe(200);
    await expect(page.getByText("Failing").first()).toBeVisible({ timeout: 20_000 });
    await expect(page.getByText(/refused/i).first()).toBeVisible();
  });

  // A page that is still open would go on asking, and complain.
  await page.close();
  first.stop();
  second.stop();
  upstream.stop();
  await knoxcall.stop();
});

test("what the environment manages is shown, locked, with the variable's name", async ({ page }) => {
  const rotel = await Rotel.start();
  const upstream = await Upstream.start();
  const { bootstrap, EMAIL, signIn } = await import("../support/test.ts");
  const knoxcall = await KnoxCall.start({
    bootstrap: bootstrap(upstream.url),
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: rotel.endpoint, OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer managed-secret", OTEL_TRACES_EXPORTER: "none" },
  });
  await signIn(page, knoxcall.console, EMAIL.operator);
  await page.goto(`${knoxcall.console}/settings/integrations/otlp`);
  await hydrated(page);
  await expect(page.getByLabel("OTLP HTTP endpoint")).toHaveValue(rotel.endpoint);
  await expect(page.getByLabel("OTLP HTTP endpoint")).not.toBeEditable();
  await expect(page.getByText("OTEL_EXPORTER_OTLP_ENDPOINT").first()).toBeVisible();
  await expect(page.getByText("OTEL_EXPORTER_OTLP_HEADERS").first()).toBeVisible();
  await expect(page.getByText("OTEL_TRACES_EXPORTER").first()).toBeVisible();
  await expect(page.getByRole("switch", { name: "Export traces" })).not.toBeChecked();
  await expect(page.getByText("Managed by environment").first()).toBeVisible();
  expect(await page.content()).not.toContain("managed-secret");
  await page.close();
  await knoxcall.stop();
  rotel.stop();
  upstream.stop();
});
