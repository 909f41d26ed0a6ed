// On every page: gives each failure of the WebAssembly side an id, hands it to the error tracking if there is one, and
// after a panic, when nothing on the page reacts any more, shows what happened and a way to go on.
import "../page/leaving.ts";
// Too small to be a file of its own.
import "../page/signed_out.ts";
import { configuration, FAILED, type Failure, type Report, SENT, type Sent, TEST, TEST_MESSAGE } from "./report.ts";

type State = "console" | "sending" | "sent" | "unsent";

let panicked: string | undefined;
let tests = 0;

addEventListener(FAILED, (event) => {
  const failure = (event as CustomEvent<Failure>).detail;
  // An answer that broke off.
  if (window.knoxcallLeaving && failure.kind === "boundary") return;
  if (failure.kind === "panic") {
    // Timers of a broken page may panic again; the first one is the one to know about.
    if (panicked) return;
    // The panic's own machinery fills the ten frames that browsers keep by themselves.
    (Error as { stackTraceLimit?: number }).stackTraceLimit = 50;
  }
  failure.id = uuid();
  const report: Report = { ...failure, id: failure.id, stack: new Error().stack ?? "" };
  console.error(`KnoxCall error ${report.id}`);
  if (failure.kind === "panic") {
    panicked = report.id;
    // Not from inside the panic: what changes on the page would call back into it.
    setTimeout(() => show(report.id));
  }
  (window.knoxcallErrors ??= [] as Report[]).push(report);
});

addEventListener(SENT, (event) => {
  const { id, outcome } = (event as CustomEvent<Sent>).detail;
  if (id === panicked) state(outcome === "sent" ? "sent" : "unsent");
});

addEventListener(TEST, () => {
  tests += 1;
  // The same error twice in a row is sent once.
  const message = tests > 1 ? `${TEST_MESSAGE}, number ${tests}` : TEST_MESSAGE;
  setTimeout(() => {
    throw new Error(message);
  });
});

/** Works on plain HTTP too, where `crypto.randomUUID` is not there. */
function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

let current: State | undefined;

function state(next: State): void {
  current = next;
  document.querySelectorAll<HTMLElement>("#failure [data-state]").forEach((line) => {
    line.hidden = line.dataset["state"] !== next;
  });
}

function show(id: string): void {
  const view = document.getElementById("failure");
  if (!view) return;
  // An open modal would keep everything else out of reach.
  document.querySelectorAll<HTMLDialogElement>("dialog:modal").forEach((dialog) => dialog.close());
  for (const other of document.body.children) {
    if (other instanceof HTMLElement && other !== view) other.hidden = true;
  }
  const name = document.getElementById("failure-id");
  if (name) name.textContent = id;
  if (!current) state(configuration() && !Array.isArray(window.knoxcallErrors) ? "sending" : "console");
  document.getElementById("failure-reload")?.addEventListener("click", () => location.reload());
  view.hidden = false;
  const heading = view.querySelector("h1");
  document.title = `${heading?.textContent ?? ""} · KnoxCall`;
  scrollTo(0, 0);
  heading?.focus();
}
