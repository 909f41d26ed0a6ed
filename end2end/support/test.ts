// What every browser test shares: one real server per worker with an operator, two workspaces and their members, a page
// per identity, and a check that neither the browser nor the server complained.
import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, type BrowserContext, type Locator, type Page, test as base, expect } from "@playwright/test";
import { KnoxCall, type Options } from "./knoxcall.ts";
import { Upstream } from "./upstream.ts";

export const PASSWORD = "correct horse battery staple";
export type Identity = "operator" | "admin" | "viewer" | "stranger";

export const EMAIL: Record<Identity, string> = {
  operator: "operator@example.test",
  admin: "admin@acme.test",
  viewer: "viewer@acme.test",
  stranger: "admin@globex.test",
};

export const ACME_KEY = "tk_acme0123456789abcdefghijklmnop";

export function bootstrap(upstream: string): string {
  const member = (email: string, role: string) => `[[workspace.member]]\nemail = "${email}"\npassword = "${PASSWORD}"\nrole = "${role}"\n`;
  return `
[operator]
email = "${EMAIL.operator}"
password = "${PASSWORD}"
[[workspace]]
slug = "acme"
name = "Acme"
${member(EMAIL.admin, "admin")}
${member(EMAIL.viewer, "viewer")}
[[workspace.api_key]]
name = "default"
key = "${ACME_KEY}"
[[workspace.route]]
slug = "billing"
name = "Billing API"
[[workspace.route.environment]]
name = "production"
default = true
target_base_url = "${upstream}"
[[workspace.webhook]]
name = "Incidents"
url = "${upstream}/hook"
event_types = ["request.timeout"]
[[workspace.ai_agent]]
slug = "assistant"
provider = "openai_compatible"
base_url = "${upstream}"
[[workspace]]
slug = "globex"
name = "Globex"
${member(EMAIL.stranger, "admin")}
`;
}

/** Signs in through the form and waits for the page that follows. */
export async function signIn(page: Page, origin: string, email: string, password = PASSWORD): Promise<void> {
  await page.goto(`${origin}/sign-in`);
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).not.toHaveURL(/sign-in/);
}

/** Hydrated: controls react from here on. */
export async function hydrated(page: Page): Promise<void> {
  await expect(page.locator("html[data-hydrated]")).toBeAttached();
}

export async function open(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await hydrated(page);
}

/** From the next page on as in Safari, and in Firefox on some systems: a button that is pressed gets no focus, and what is around it does. */
export async function withoutFocusForButtons(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const around = (event: MouseEvent): void => {
      if (!(event.target as Element).closest("button")) return;
      event.preventDefault();
      document.querySelector("main")?.focus();
    };
    addEventListener("mousedown", around, true);
  });
}

/** The first pill that says so. */
export const pill = (page: Page, word: string): Locator => page.locator(".pill", { hasText: word }).first();

/** A server of its own, whose state nobody else changes. */
export async function withServer(page: Page, upstream: string, who: Identity, options: Partial<Options>, work: (knoxcall: KnoxCall) => Promise<void>): Promise<void> {
  const knoxcall = await KnoxCall.start({ bootstrap: bootstrap(upstream), ...options });
  await signIn(page, knoxcall.console, EMAIL[who]);
  await work(knoxcall);
  await page.close();
  await knoxcall.stop();
}

/** Fails on any accessibility violation that axe can find. */
export async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
  expect(violations.map((v) => `${v.id}: ${v.help} — ${v.nodes.map((n) => n.target.join(" ")).join("; ")}`)).toEqual([]);
}

/** Fails when the page is wider than its window. */
export async function expectFits(page: Page): Promise<void> {
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(overflow).toBeLessThanOrEqual(0);
}

interface Fixtures {
  /** A page that is signed in as this identity. */
  as: (identity: Identity) => Promise<Page>;
}
interface Workers {
  upstream: Upstream;
  knoxcall: KnoxCall;
}

async function openContext(browser: Browser, options: object): Promise<{ context: BrowserContext; page: Page; complaints: string[] }> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints = watch(page);
  return { context, page, complaints };
}

/** Collects what the browser complains about; navigation to a page that answers 404 is not a complaint. */
export function watch(page: Page): string[] {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(`uncaught: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !/Failed to load resource: the server responded with a status of 4\d\d/.test(message.text())) {
      complaints.push(`console: ${message.text()}`);
    }
  });
  return complaints;
}

export const test = base.extend<Fixtures, Workers>({
  upstream: [
    async ({}, use) => {
      const upstream = await Upstream.start();
      await use(upstream);
      upstream.stop();
    },
    { scope: "worker" },
  ],
  knoxcall: [
    async ({ upstream }, use) => {
      const knoxcall = await KnoxCall.start({ bootstrap: bootstrap(upstream.url) });
      await use(knoxcall);
      await knoxcall.stop();
    },
    { scope: "worker" },
  ],
  page: async ({ page }, use) => {
    const complaints = watch(page);
    await use(page);
    expect(complaints).toEqual([]);
  },
  as: async ({ browser, knoxcall, contextOptions, javaScriptEnabled, viewport }, use) => {
    const opened: { context: BrowserContext; complaints: string[] }[] = [];
    await use(async (identity) => {
      const { context, page, complaints } = await openContext(browser, { ...contextOptions, javaScriptEnabled, viewport, baseURL: knoxcall.console });
      opened.push({ context, complaints });
      await signIn(page, knoxcall.console, EMAIL[identity]);
      return page;
    });
    for (const { context, complaints } of opened) {
      expect(complaints).toEqual([]);
      await context.close();
    }
  },
});

export { expect };
export type { Page };
