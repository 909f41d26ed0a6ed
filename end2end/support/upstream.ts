// An upstream API that answers with what it received.
import { createServer, type Server } from "node:http";

export class Upstream {
  private constructor(
    private readonly server: Server,
    readonly url: string,
    /** The headers of every request, in order. */
    readonly received: Record<string, string | string[] | undefined>[],
  ) {}

  static async start(): Promise<Upstream> {
    const received: Record<string, string | string[] | undefined>[] = [];
    const server = createServer((request, response) => {
      received.push(request.headers);
      request.resume();
      request.once("end", () => {
        const status = Number(new URL(request.url ?? "/", "http://upstream").searchParams.get("status") ?? "200");
        response.writeHead(status, { "content-type": "application/json" });
        response.end(JSON.stringify({ method: request.method, url: request.url }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (typeof address !== "object" || !address) throw new Error("no address");
    return new Upstream(server, `http://127.0.0.1:${address.port}`, received);
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
