// A browser may keep pages as they were left, and show them again when somebody goes back. Over HTTPS it does not keep what says
// `no-store`, as every page here does; over plain HTTP some browsers do. So a page that is shown again after somebody has signed out
// in this browser is asked for anew. Any other stays: what was typed is not lost for nothing.

const KEY = "signed-out";
const [SIGN_IN, SIGN_OUT] = ["/api/account/sign-in", "/api/account/sign-out"];

/** When somebody signed out last, in any tab. */
function last(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    // Storage may be forbidden.
    return null;
  }
}

let known = last();

addEventListener(
  "submit",
  ({ target }) => {
    // Whatever comes of it: at most a page is loaded for nothing.
    const path = target instanceof HTMLFormElement ? target.getAttribute("action") : null;
    if (path === SIGN_IN) known = last();
    if (path !== SIGN_OUT) return;
    try {
      localStorage.setItem(KEY, String(Date.now()));
    } catch {
      // Nobody is told then.
    }
  },
  true,
);

addEventListener("pageshow", ({ persisted }) => {
  if (!persisted || last() === known) return;
  // Until another page is there.
  document.body.hidden = true;
  location.reload();
});

export {};
