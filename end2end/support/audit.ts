// What the tests of the audit log share: changes made as the forms make them, and following a log's chain as anybody can.
import { createHash } from "node:crypto";
import type { Page } from "@playwright/test";
import { expect } from "./test.ts";

/** Posts a form as whoever is signed in on this page. */
export async function change(page: Page, origin: string, path: string, form: Record<string, string>): Promise<void> {
  const answer = await page.request.post(`${origin}${path}`, { form, headers: { origin, accept: "application/json" }, maxRedirects: 0 });
  expect(answer.status(), `${path}: ${await answer.text()}`).toBe(200);
}

export async function createRoutes(page: Page, origin: string, target: string, count: number): Promise<void> {
  for (let n = 1; n <= count; n += 1) {
    await change(page, origin, "/api/routes/create", { workspace: "acme", name: `Route ${n}`, slug: `route-${n}`, target_base_url: target });
  }
}

/** The head of a log that was downloaded whole as JSON Lines, followed from its beginning by what README.md says of it. */
export function followed(lines: string[]): string {
  const log = (JSON.parse(lines[0] ?? "{}") as { log: string }).log.replaceAll("-", "");
  let before = createHash("sha256").update("knoxcall audit log v1\0").update(Buffer.from(log, "hex")).digest();
  lines.forEach((line, at) => {
    const [, text, hash] = /^(.*),"hash":"([0-9a-f]{64})"\}$/.exec(line) ?? [];
    before = createHash("sha256").update(before).update(`${text}}`).digest();
    expect(hash, `entry ${at + 1}`).toBe(before.toString("hex"));
  });
  return before.toString("hex");
}
