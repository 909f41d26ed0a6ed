// Whether the page is being left, for whoever waits for an answer: what breaks off then is no error. A download begins in the same
// way, and the page stays; so it is said for a moment only.

/** Longer than a browser takes from asking the page to breaking off what it loads. */
const MOMENT_MS = 2000;

declare global {
  interface Window {
    knoxcallLeaving?: boolean;
  }
}

let over: number | undefined;
// A browser that was told of the first listener a moment ago may not ask it.
for (const kind of ["beforeunload", "pagehide"]) {
  addEventListener(kind, () => {
    window.knoxcallLeaving = true;
    clearTimeout(over);
    over = setTimeout(() => (window.knoxcallLeaving = false), MOMENT_MS);
  });
}

export {};
