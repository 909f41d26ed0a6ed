// A Sentry-compatible server that others wrote: bugsink, on SQLite in a temporary folder.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./rotel.ts";
import type { SentryEvent } from "./sentry.ts";

const SETUP = `
from teams.models import Team
from projects.models import Project
from bsmain.models import AuthToken
project = Project.objects.create(name='knoxcall', team=Team.objects.create(name='tests'))
print('MADE', project.id, project.sentry_key.hex, AuthToken.create_full_access().token)
`;

export class Bugsink {
  private constructor(
    private readonly process: ChildProcess,
    private readonly folder: string,
    private readonly base: string,
    private readonly project: string,
    private readonly token: string,
    readonly dsn: string,
  ) {}

  static async start(): Promise<Bugsink> {
    const programs = process.env["KNOXCALL_BUGSINK"];
    if (!programs) throw new Error("KNOXCALL_BUGSINK is not set: run `cargo xtask test browser`");
    const folder = mkdtempSync(join(tmpdir(), "knoxcall-bugsink-"));
    const port = await freePort();
    const base = `http://127.0.0.1:${port}`;
    const env = { PATH: process.env["PATH"] ?? "", HOME: folder, PYTHONPATH: folder, DJANGO_SETTINGS_MODULE: "bugsink_conf" };
    const run = (name: string, ...args: string[]) => execFileSync(join(programs, name), args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"], timeout: 120_000 }).toString();
    run("bugsink-create-conf", "--template=singleserver", "--host=127.0.0.1", `--port=${port}`, `--base-dir=${folder}`);
    appendFileSync(
      join(folder, "bugsink_conf.py"),
      `\nBUGSINK['BASE_URL'] = '${base}'\nBUGSINK['PHONEHOME'] = False\nSNAPPEA['TASK_ALWAYS_EAGER'] = True\nSESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False\nALLOWED_HOSTS = ['127.0.0.1']\n`,
    );
    run("bugsink-manage", "migrate", "-v", "0");
    run("bugsink-manage", "migrate", "--database=snappea", "-v", "0");
    const [, project, key, token] = /^MADE (\S+) (\S+) (\S+)/m.exec(run("bugsink-manage", "shell", "-c", SETUP)) ?? [];
    if (!project || !key || !token) throw new Error("bugsink made no project");
    const child = spawn(join(programs, "gunicorn"), ["--bind", `127.0.0.1:${port}`, "--workers", "1", "bugsink.wsgi"], { cwd: folder, env, stdio: "ignore" });
    const bugsink = new Bugsink(child, folder, base, project, token, `http://${key}@127.0.0.1:${port}/${project}`);
    const deadline = Date.now() + 60_000;
    while (!(await bugsink.events().catch(() => undefined))) {
      if (Date.now() > deadline || child.exitCode !== null) throw new Error("bugsink did not start");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return bugsink;
  }

  /** Every event that it keeps, whole. */
  async events(): Promise<SentryEvent[]> {
    const found: SentryEvent[] = [];
    for (const issue of await this.list(`issues/?project=${this.project}`)) {
      for (const event of await this.list(`events/?issue=${issue.id}`)) {
        found.push(((await this.ask(`events/${event.id}/`)) as { data: SentryEvent }).data);
      }
    }
    return found;
  }

  private async list(path: string): Promise<{ id: string }[]> {
    return ((await this.ask(path)) as { results: { id: string }[] }).results;
  }

  private async ask(path: string): Promise<unknown> {
    const response = await fetch(`${this.base}/api/canonical/0/${path}`, { headers: { authorization: `Bearer ${this.token}` } });
    if (!response.ok) throw new Error(`bugsink answered ${response.status}`);
    return response.json();
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    // gunicorn ends its worker only when it is asked to end.
    this.process.kill("SIGTERM");
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
