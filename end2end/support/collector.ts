// A scripted OTLP collector: counts requests per signal and answers as it is told. It reads no record; that is what real
// collectors and the Rust tests are for.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export type Answer = { status: number; headers?: Record<string, string>; body?: Buffer } | "hang";

/** A `partial_success` that rejects one record: field 1 holds the count and the message. */
export function partial(message: string): Answer {
  const text = Buffer.from(message);
  const inner = Buffer.concat([Buffer.from([0x08, 0x01, 0x12, text.length]), text]);
  return { status: 200, headers: { "content-type": "application/x-protobuf" }, body: Buffer.concat([Buffer.from([0x0a, inner.length]), inner]) };
}

export class Collector {
  readonly requests: { path: string; headers: Record<string, string | string[] | undefined> }[] = [];
  private answer: Answer = { status: 200 };

  private constructor(
    private readonly server: Server,
    readonly endpoint: string,
  ) {}

  static async start(): Promise<Collector> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const collector = new Collector(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on("request", (request, response) => {
      request.resume();
      request.on("end", () => {
        collector.requests.push({ path: request.url ?? "", headers: request.headers });
        const { answer } = collector;
        if (answer === "hang") return;
        response.writeHead(answer.status, answer.headers);
        response.end(answer.body);
      });
    });
    // Nothing that is forgotten here keeps the test run alive.
    server.unref();
    return collector;
  }

  answers(answer: Answer): void {
    this.answer = answer;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
