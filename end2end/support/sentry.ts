// What a Sentry server takes: envelopes at /api/<project>/envelope/, from another origin than the page's. It keeps the bytes.
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { gunzipSync } from "node:zlib";

export interface Received {
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** The part of an event that tests look at. */
export interface SentryEvent {
  event_id: string;
  level?: string;
  release?: string;
  environment?: string;
  tags?: Record<string, string>;
  user?: Record<string, string>;
  request?: Record<string, unknown>;
  breadcrumbs?: unknown;
  contexts?: Record<string, unknown>;
  exception?: { values: { type?: string; value?: string; mechanism?: { type: string; handled?: boolean }; stacktrace?: { frames: { filename?: string }[] } }[] };
}

export class Sentry {
  readonly received: Received[] = [];
  /** The status of the next answers. */
  status = 200;
  headers: Record<string, string> = {};

  private constructor(
    private readonly server: Server,
    readonly origin: string,
  ) {}

  static async start(): Promise<Sentry> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (typeof address !== "object" || !address) throw new Error("no address");
    const sentry = new Sentry(server, `http://127.0.0.1:${address.port}`);
    server.on("request", (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        let body = Buffer.concat(chunks);
        if (request.headers["content-encoding"] === "gzip") body = gunzipSync(body);
        if (request.method === "POST") sentry.received.push({ url: request.url ?? "", headers: request.headers, body: body.toString() });
        response.writeHead(request.method === "OPTIONS" ? 204 : sentry.status, {
          "access-control-allow-origin": "*",
          "access-control-allow-headers": "*",
          "access-control-expose-headers": "X-Sentry-Rate-Limits, Retry-After",
          "content-type": "application/json",
          ...sentry.headers,
        });
        response.end("{}");
      });
    });
    return sentry;
  }

  /** A DSN for this server. */
  dsn(project = "7"): string {
    return this.origin.replace("//", "//0123456789abcdef0123456789abcdef@") + `/${project}`;
  }

  events(): SentryEvent[] {
    return this.received.flatMap(({ body }) => {
      const lines = body.split("\n").filter((line) => line !== "");
      return lines.flatMap((line, at) => (at > 0 && /"type":"event"/.test(lines[at - 1] ?? "") ? [JSON.parse(line) as SentryEvent] : []));
    });
  }

  /** The kinds of everything that came, such as "event". */
  kinds(): string[] {
    return this.received.flatMap(({ body }) => [...body.matchAll(/^\{"type":"(\w+)"/gm)].map((found) => found[1] ?? ""));
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
