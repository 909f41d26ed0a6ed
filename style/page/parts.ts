// How the files of the app's parts come. `xtask/src/wasm.rs` has the loader that is generated for them ask here.
import type {} from "./leaving.ts";

declare global {
  interface Window {
    /** What the page's start has asked for already (`app/src/shell.rs`), by address. */
    knoxcallParts?: Map<string, Promise<Response>>;
  }
}

const AGAIN_MS = 500;

/** Asks for a file, unless the page's start did so: an answer can be read once. What did not come then is asked for here. */
export function ask(url: URL): Promise<Response> {
  const asked = window.knoxcallParts?.get(url.href);
  window.knoxcallParts?.delete(url.href);
  if (!asked) return fetch(url);
  return asked.then(
    (answer) => (answer.ok ? answer : fetch(url)),
    (error: unknown) => {
      if (window.knoxcallLeaving) throw error;
      return fetch(url);
    },
  );
}

/** Loads a part. What breaks off because the page is being left waits, with whoever asked for it: if the page stays after all, it is loaded anew. */
export async function staying<T>(load: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await load();
    } catch (error) {
      if (!window.knoxcallLeaving) throw error;
    }
    while (window.knoxcallLeaving) await new Promise((later) => setTimeout(later, AGAIN_MS));
  }
}
