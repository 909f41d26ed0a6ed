// Error tracking in the browser: fetched only where a browser DSN is configured. Reports uncaught errors, unhandled
// rejections, and what `failure.ts` hands over; nothing else of the page is watched or recorded.
import {
  BrowserClient,
  dedupeIntegration,
  defaultStackParser,
  type ErrorEvent,
  type EventHint,
  getCurrentScope,
  globalHandlersIntegration,
  makeFetchTransport,
} from "@sentry/browser";
import { cleaned, errorId, type Page } from "./event.ts";
import { configuration, type Report, SENT, type Sent, TEST_MESSAGE } from "./report.ts";
import { readable } from "./webkit.ts";

interface Configuration {
  dsn: string;
  environment?: string;
  release?: string;
}

/** An error in a loop must not become a flood. */
const MOST = 20;
const WINDOW_MS = 60_000;

const stackParser: typeof defaultStackParser = (stack, ...more) => defaultStackParser(readable(stack), ...more);

let panicked = false;
let blocked = false;
let recent: number[] = [];

function start({ dsn, environment, release }: Configuration): void {
  addEventListener("securitypolicyviolation", (event) => {
    if (event.effectiveDirective === "connect-src") blocked = true;
  });
  const client = new BrowserClient({
    dsn,
    ...(environment ? { environment } : {}),
    ...(release ? { release } : {}),
    stackParser,
    transport: announcing,
    integrations: [globalHandlersIntegration(), dedupeIntegration()],
    // Off, all of it; the event is built anew from a list besides (event.ts).
    dataCollection: { userInfo: false, cookies: false, httpHeaders: false, httpBodies: [], urlQueryParams: false },
    sendClientReports: false,
    maxBreadcrumbs: 0,
    beforeSend,
  });
  getCurrentScope().setClient(client);
  client.init();
  const push = (report: Report) => {
    panicked ||= report.kind === "panic";
    client.captureEvent(...eventOf(report), getCurrentScope());
  };
  const waiting = window.knoxcallErrors;
  window.knoxcallErrors = { push };
  if (Array.isArray(waiting)) waiting.forEach(push);
}

function eventOf(report: Report): [ErrorEvent, EventHint] {
  const panic = report.kind === "panic";
  const at = report.location ? ` (${report.location})` : "";
  const exception = {
    type: panic ? "WebAssemblyPanic" : "ErrorBoundary",
    value: report.message + at,
    mechanism: { type: panic ? "wasm.panic" : "error_boundary", handled: !panic },
    stacktrace: { frames: stackParser(report.stack) },
  };
  const event: ErrorEvent = { type: undefined, level: panic ? "fatal" : "error", exception: { values: [exception] } };
  if (report.component) event.tags = { component: report.component };
  return [event, { event_id: report.id.replaceAll("-", "") }];
}

function beforeSend(event: ErrorEvent): ErrorEvent | null {
  // What a page throws after its panic is the panic again.
  const isPanic = event.exception?.values?.some((exception) => exception.mechanism?.type === "wasm.panic");
  if (panicked && !isPanic) return null;
  const now = Date.now();
  recent = recent.filter((at) => now - at < WINDOW_MS);
  if (recent.length >= MOST) return null;
  recent.push(now);
  return cleaned(event, page());
}

function page(): Page {
  const viewer = document.getElementById("viewer")?.dataset;
  return {
    origin: location.origin,
    path: location.pathname,
    user: viewer?.["user"],
    tenant: viewer?.["tenant"],
    component: document.documentElement.dataset["component"],
  };
}

/** The SDK's transport (it honours rate limits), which also tells the page what became of each event. */
function announcing(options: Parameters<typeof makeFetchTransport>[0]): ReturnType<typeof makeFetchTransport> {
  const quiet = { ...options, fetchOptions: { referrerPolicy: "no-referrer", credentials: "omit" } as const };
  const inner = makeFetchTransport(quiet, window.fetch.bind(window));
  return {
    flush: (timeout) => inner.flush(timeout),
    send: (envelope) => {
      const id = errorId(envelope[0] as { event_id?: string });
      const test = JSON.stringify(envelope[1]).includes(TEST_MESSAGE);
      const tell = (outcome: Sent["outcome"], status?: number) => {
        if (!id) return;
        const detail: Sent = { id, outcome, test, ...(status === undefined ? {} : { status }) };
        dispatchEvent(new CustomEvent(SENT, { detail }));
      };
      return inner.send(envelope).then(
        (response) => {
          const status = response.statusCode;
          tell(status === undefined ? "limited" : status < 300 ? "sent" : status === 429 ? "limited" : "refused", status);
          return response;
        },
        (error: unknown) => {
          // The report of the policy comes after the failure.
          setTimeout(() => tell(blocked ? "blocked" : "unreachable"), 50);
          throw error;
        },
      );
    },
  };
}

const text = configuration()?.textContent;
if (text) start(JSON.parse(text) as Configuration);
