// Starts the real binary on free ports with an empty data folder, and stops it again.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Options {
  /** Further environment variables, such as OTEL_EXPORTER_OTLP_ENDPOINT. */
  env?: Record<string, string>;
  /** A bootstrap file's text. */
  bootstrap?: string;
  /** Further flags, such as --demo. */
  flags?: string[];
}

// A test that fails never gets to stop its server.
const running = new Set<ChildProcess>();
process.once("exit", () => running.forEach((child) => child.kill("SIGKILL")));

export class KnoxCall {
  private constructor(
    private readonly process: ChildProcess,
    private readonly folder: string,
    /** Such as http://127.0.0.1:40123. */
    readonly console: string,
    readonly gateway: string,
    private readonly lines: string[],
  ) {}

  static async start(options: Options = {}): Promise<KnoxCall> {
    const binary = process.env["KNOXCALL_BIN"];
    if (!binary) throw new Error("KNOXCALL_BIN is not set: run `cargo xtask test browser`");
    const folder = mkdtempSync(join(tmpdir(), "knoxcall-e2e-"));
    const args = ["serve", "--console-addr", "127.0.0.1:0", "--gateway-addr", "127.0.0.1:0", "--data-dir", join(folder, "data")];
    if (options.bootstrap) {
      writeFileSync(join(folder, "bootstrap.toml"), options.bootstrap);
      args.push("--bootstrap", join(folder, "bootstrap.toml"));
    }
    // The upstreams and collectors of the tests are on loopback, which workspaces may not reach without it.
    if (!options.flags?.includes("--demo")) args.push("--allow-egress", "127.0.0.0/8,::1/128");
    args.push(...(options.flags ?? []));
    const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(OTEL_|SENTRY_)/.test(name)));
    const child = spawn(binary, args, { env: { ...inherited, ...options.env } as NodeJS.ProcessEnv, stdio: ["ignore", "pipe", "pipe"] });
    running.add(child);
    child.once("exit", () => running.delete(child));
    const lines: string[] = [];
    const collect = (chunk: Buffer) => lines.push(...chunk.toString().split("\n").filter((line) => line.trim() !== ""));
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    const find = (pattern: RegExp) => lines.map((line) => pattern.exec(line)?.[1]).find((found) => found !== undefined);
    const deadline = Date.now() + 30_000;
    while (Date.now() < deadline) {
      const console = find(/^Console\s+(http:\/\/\S+)/);
      const gateway = find(/^Gateway\s+(http:\/\/\S+)/);
      if (console && gateway) return new KnoxCall(child, folder, console, gateway, lines);
      if (child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    child.kill("SIGKILL");
    throw new Error(`knoxcall did not start:\n${lines.join("\n")}`);
  }

  /** The one-time link of the first start. */
  setupLink(): string {
    const link = this.lines.map((line) => /(http:\/\/\S+\/setup\?token=\S+)/.exec(line)?.[1]).find(Boolean);
    if (!link) throw new Error(`no setup link in:\n${this.lines.join("\n")}`);
    return link;
  }

  /** The first match of this pattern's group in what was printed. */
  printed(pattern: RegExp): string {
    const found = pattern.exec(this.log())?.[1];
    if (!found) throw new Error(`${pattern} is not in:\n${this.log()}`);
    return found;
  }

  log(): string {
    return this.lines.join("\n");
  }

  /** Stops it as an operator would, and fails if it panicked or did not end cleanly. */
  async stop(): Promise<void> {
    const ended = new Promise<number | null>((resolve) => {
      if (this.process.exitCode !== null) resolve(this.process.exitCode);
      this.process.once("exit", (code) => resolve(code));
    });
    this.process.kill("SIGTERM");
    const killer = setTimeout(() => this.process.kill("SIGKILL"), 20_000);
    const code = await ended;
    clearTimeout(killer);
    rmSync(this.folder, { recursive: true, force: true });
    if (this.log().includes("panicked at")) throw new Error(`the server panicked:\n${this.log()}`);
    if (code !== 0) throw new Error(`knoxcall ended with ${code}:\n${this.log()}`);
  }
}
