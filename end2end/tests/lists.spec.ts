// Lists: what they say while they are empty, what a stacked row leaves out, addresses that hold what was asked for and no more, and
// questions that say themselves what they did not achieve.
import { bootstrap, expect, expectAccessible, expectFits, open, type Page, test, withServer } from "../support/test.ts";
import { pathOf } from "../support/webhooks.ts";

const EMPTY = '[[workspace]]\nslug = "empty"\nname = "Empty"\n';

test("every list says what it is for while it is empty, and is a table once there is something", async ({ page, upstream }) => {
  await withServer(page, upstream.url, "operator", { bootstrap: bootstrap(upstream.url) + EMPTY }, async ({ console: origin }) => {
    for (const [list, words] of [
      ["routes", "No routes yet"],
      ["keys", "No API keys yet"],
      ["webhooks", "No webhooks yet"],
      ["agents", "No AI agents yet"],
      ["logs", "No requests yet"],
      ["members", "No members yet"],
    ] as const) {
      await open(page, `${origin}/w/empty/${list}`);
      await expect(page.getByRole("main").getByRole("heading", { name: words }), list).toBeVisible();
      await expect(page.getByRole("main").getByRole("table"), list).toHaveCount(0);
    }
    await expect(page.getByText("Add the first one above, by e-mail address.")).toBeVisible();
    await expectAccessible(page);
    for (const width of [390, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      await expectFits(page);
    }
    await page.getByLabel("Email").fill("first@empty.test");
    await page.getByRole("button", { name: "Add member" }).click();
    await expect(page.getByRole("row").filter({ hasText: "first@empty.test" })).toHaveCount(1);
    await expect(page.getByRole("heading", { name: "No members yet" })).toHaveCount(0);
  });
});

test("a stacked row has no label for what it has nothing of", async ({ page, upstream }) => {
  await withServer(page, upstream.url, "admin", {}, async ({ console: origin }) => {
    await open(page, `${origin}/w/acme/audit`);
    const cells = page.locator("td[data-label=Changes]");
    const shown = () => cells.evaluateAll((all) => all.map((cell) => ({ empty: cell.textContent === "", display: getComputedStyle(cell).display })));
    const wide = await shown();
    expect(new Set(wide.map(({ empty }) => empty)), "entries with changes and without").toEqual(new Set([true, false]));
    expect(new Set(wide.map(({ display }) => display))).toEqual(new Set(["table-cell"]));
    await page.setViewportSize({ width: 390, height: 900 });
    for (const { empty, display } of await shown()) expect(display === "none").toBe(empty);
    await expectAccessible(page);
  });
});

/** The page's address is exactly this one. */
const at = (page: Page, path: string) => expect(page).toHaveURL(new URL(path, page.url()).href);

test("a filter leaves nothing empty in the address", async ({ as }) => {
  const page = await as("operator");
  const resource = page.getByLabel("Resource");
  await open(page, "/w/acme/audit");
  await resource.fill("billing");
  await page.getByRole("button", { name: "Filter entries" }).click();
  await at(page, "/w/acme/audit?resource=billing");
  await page.getByLabel("Action").selectOption("route");
  await resource.press("Enter");
  await at(page, "/w/acme/audit?action=route&resource=billing");
  await expect(resource).toBeFocused();
  await page.getByLabel("Action").selectOption("");
  await resource.fill("");
  await resource.press("Enter");
  await at(page, "/w/acme/audit");
  await expect(resource).toBeFocused();
  await page.goBack();
  await expect(resource).toHaveValue("billing");

  await open(page, "/w/acme/logs");
  await page.getByLabel("Status").selectOption("4xx");
  await page.getByRole("button", { name: "Filter requests" }).click();
  await at(page, "/w/acme/logs?status=4xx");
  await page.getByLabel("Status").selectOption("");
  await page.getByRole("button", { name: "Filter requests" }).click();
  await at(page, "/w/acme/logs");

  await open(page, "/settings/workspaces");
  const search = page.getByRole("searchbox", { name: "Search workspaces" });
  await search.fill("acme");
  await search.press("Enter");
  await at(page, "/settings/workspaces?q=acme");
  await search.fill("");
  await search.press("Enter");
  await at(page, "/settings/workspaces");

  await open(page, "/settings/integrations/otlp");
  await page.getByLabel("Backend").selectOption({ label: "Datadog" });
  await page.getByRole("button", { name: "Fill in" }).click();
  await at(page, "/settings/integrations/otlp?preset=datadog");
});

test("a page that a list does not reach says so and leads back to one that it has", async ({ as }) => {
  const page = await as("operator");
  await open(page, "/settings/workspaces?page=9");
  await expect(page.getByRole("heading", { name: "Nothing on this page" })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("link", { name: "Show first page" }).click();
  await at(page, "/settings/workspaces");
  await expect(page.getByRole("row").filter({ hasText: "globex" })).toHaveCount(1);

  const deliveries = `${await pathOf(page, "Incidents")}/deliveries`;
  await open(page, `${deliveries}?before=00000000-0000-0000-0000-000000000000`);
  await expect(page.getByText("There is nothing older in the history.")).toBeVisible();
  await page.getByRole("link", { name: "Newest" }).click();
  await at(page, deliveries);
});

for (const [who, advised] of [["viewer", 0], ["admin", 1]] as const) {
  test(`an empty history advises a test only to whoever may send one: ${who}`, async ({ page, upstream }) => {
    await withServer(page, upstream.url, who, {}, async ({ console: origin }) => {
      await page.goto(`${origin}/w/acme/webhooks`);
      await page.getByRole("link", { name: "Incidents", exact: true }).click();
      await page.getByRole("link", { name: "View deliveries" }).click();
      await expect(page.getByText("Events are delivered as they happen.")).toHaveCount(1);
      await expect(page.getByText("Send a test delivery to see one.")).toHaveCount(advised);
    });
  });
}

test("what a question did not achieve is said in it", async ({ as }) => {
  const page = await as("operator");
  const refuse = { status: 409, contentType: "application/json", body: '"Stale"' };
  await page.route("**/api/directory/enable-workspace", (route) => route.fulfill(refuse));
  await open(page, "/settings/workspaces");
  await page.getByRole("button", { name: "Disable Globex" }).click();
  const question = page.getByRole("dialog", { name: "Disable Globex" });
  await question.getByRole("button", { name: "Disable workspace" }).click();
  await expect(question.getByRole("alert")).toContainText("Someone else changed this meanwhile");

  await page.route("**/api/webhooks/rotate-secret", (route) => route.fulfill(refuse));
  await open(page, await pathOf(page, "Incidents"));
  await page.getByRole("button", { name: "Rotate secret" }).click();
  const rotation = page.getByRole("dialog", { name: "Rotate the signing secret" });
  await rotation.getByRole("button", { name: "Rotate secret" }).click();
  await expect(rotation.getByRole("alert")).toContainText("Someone else changed this meanwhile");
  await expectAccessible(page);
});

test("boxes that belong together have their help and their error as a description", async ({ as }) => {
  const page = await as("admin");
  await open(page, "/w/acme/webhooks/new");
  const events = page.getByRole("group", { name: "Events" });
  await expect(events).toHaveAccessibleDescription("What it is told of: at least one.");
  await expect(page.getByRole("group", { name: "Routes" })).toHaveAccessibleDescription(/With none ticked/);
  await page.getByLabel("Name", { exact: true }).fill("Nothing to tell");
  await page.getByLabel("URL", { exact: true }).fill("http://127.0.0.1:9/in");
  await page.getByRole("button", { name: "Create webhook" }).click();
  await expect(events).toHaveAccessibleDescription(/Fill this in\..*What it is told of/s);
});
