// A webhook receiver: keeps what was delivered, checks signatures as the Standard Webhooks specification says, and answers as it is told.
import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface Delivered {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export class Receiver {
  readonly deliveries: Delivered[] = [];
  /** The status of the next answers. */
  status = 200;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<Receiver> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const receiver = new Receiver(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`);
    server.on("request", (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        receiver.deliveries.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks).toString() });
        response.writeHead(receiver.status);
        response.end();
      });
    });
    // Nothing that is forgotten here keeps the test run alive.
    server.unref();
    return receiver;
  }

  last(): Delivered {
    const last = this.deliveries.at(-1);
    if (!last) throw new Error("nothing was delivered");
    return last;
  }

  /** The names of the events that came, in order. */
  events(): string[] {
    return this.deliveries.map(({ body }) => (JSON.parse(body) as { event: string }).event);
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** Whether one of the delivery's signatures was made with this secret. */
export function isSigned({ headers, body }: Delivered, secret: string): boolean {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signed = [headers["webhook-id"], headers["webhook-timestamp"], body].join(".");
  const expected = `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
  return String(headers["webhook-signature"]).split(" ").includes(expected);
}
