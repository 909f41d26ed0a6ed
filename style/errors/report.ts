// What the page's parts tell each other about errors. The WebAssembly side (app/src/browser_errors.rs) uses the same
// names; it knows nothing else of these scripts.

/** `detail` of a `knoxcall:error` event. Whoever handles it fills in `id`, which the sender reads after dispatching. */
export interface Failure {
  /** A panic ends the page; a boundary shows the error in its place. */
  kind: "panic" | "boundary";
  message: string;
  /** Source file, line and column of a panic. */
  location?: string;
  /** The component or page that a boundary stands around. */
  component?: string;
  /** UUID, shown to the person and the event's tag `errorId`. */
  id?: string;
}

/** A failure on its way to the error tracking. */
export interface Report extends Failure {
  id: string;
  stack: string;
}

/** `detail` of a `knoxcall:sent` event: what became of one report. */
export interface Sent {
  /** The error's id as a UUID; without its dashes it is the event's id. */
  id: string;
  outcome: "sent" | "refused" | "limited" | "blocked" | "unreachable";
  /** The tracking server's status, where it answered. */
  status?: number;
  /** Whether this is the error that "Send test error" throws. */
  test: boolean;
}

export const FAILED = "knoxcall:error";
export const TEST = "knoxcall:test";
export const SENT = "knoxcall:sent";
export const TEST_MESSAGE = "Test error from the KnoxCall console";

declare global {
  interface Window {
    /** Waits as an array until the error tracking takes over its `push`. */
    knoxcallErrors?: { push(report: Report): unknown };
  }
}

/** The element that holds the configuration, where errors are reported at all. */
export function configuration(): Element | null {
  return document.getElementById("error-tracking");
}
