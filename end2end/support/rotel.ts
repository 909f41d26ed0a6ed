// A real OTLP collector that others wrote (rotel); it prints every item it receives.
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";

export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}

export class Rotel {
  private constructor(
    private readonly process: ChildProcess,
    readonly endpoint: string,
    private readonly chunks: string[],
  ) {}

  static async start(): Promise<Rotel> {
    const agent = process.env["KNOXCALL_ROTEL"];
    if (!agent) throw new Error("KNOXCALL_ROTEL is not set: run `cargo xtask test browser`");
    const [http, grpc] = [await freePort(), await freePort()];
    const debug = ["traces", "logs", "metrics"].flatMap((signal) => ["--debug-log", signal]);
    const child = spawn(
      agent,
      ["start", "--otlp-http-endpoint", `127.0.0.1:${http}`, "--otlp-grpc-endpoint", `127.0.0.1:${grpc}`, "--exporter", "blackhole", ...debug, "--debug-log-verbosity", "detailed"],
      { stdio: ["ignore", "pipe", "pipe"], env: { PATH: process.env["PATH"] ?? "" } },
    );
    const chunks: string[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk.toString()));
    const rotel = new Rotel(child, `http://127.0.0.1:${http}`, chunks);
    const deadline = Date.now() + 15_000;
    for (;;) {
      try {
        await fetch(`${rotel.endpoint}/v1/traces`, { method: "POST", headers: { "content-type": "application/x-protobuf" }, body: new Uint8Array() });
        return rotel;
      } catch {
        if (Date.now() > deadline || child.exitCode !== null) throw new Error(`rotel did not start:\n${chunks.join("")}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  /** Everything printed so far. */
  output(): string {
    return this.chunks.join("");
  }

  stop(): void {
    this.process.kill("SIGKILL");
  }
}
