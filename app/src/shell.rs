//! The HTML document around the app, as the server sends it. Scripts carry the response's nonce; nothing is inline but the
//! few lines that start the app.

use std::collections::BTreeMap;

use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::{Meta, MetaTags};

use crate::failure_view::FailureView;
use crate::pages::PART;

/// Where this build's assets are, with their content hashes; the server puts it into the context.
#[derive(Clone, Debug)]
pub struct AssetPaths {
    /// Such as `/pkg/knoxcall.1f2e3d.js`.
    pub js: String,
    pub wasm: String,
    /// The files of each part of the app's code that is not in `wasm` (`pages`).
    pub parts: BTreeMap<String, Vec<String>>,
    pub css: String,
    /// Runs before the first paint and chooses light or dark.
    pub theme_js: String,
    /// On every page: what happens when it is left and come back to, and what is shown after a panic.
    pub failure_js: String,
    /// Reports errors; fetched only with [`ErrorTracking`].
    pub error_tracking_js: String,
}

/// Browser errors are reported; the server puts it into the context while a browser DSN is in effect.
#[derive(Clone, Debug)]
pub struct ErrorTracking {
    /// JSON, as `style/errors/tracking.ts` reads it.
    pub config: String,
}

/// Starts the app, of which `WASM` is the main file. What is seen comes first: the app's code, forty times the style sheet or more,
/// is asked for once the page has been painted. In a tab that is not shown nothing is painted; there it is asked for anyway.
/// The files of the page's part are asked for beside the main one, and their answers left for whoever loads parts
/// (`style/page/parts.ts`): a browser without a cache would not find again what a link had it preload.
/// Whoever leaves before the code has come breaks off its loading, which is no error to be told of (`style/page/leaving.ts`).
const START: &str = r#"await new Promise((painted) => {
  requestAnimationFrame(() => setTimeout(painted));
  setTimeout(painted, 250);
});
try {
  const started = init({ module_or_path: WASM });
  const parts = (window.knoxcallParts = new Map());
  for (const { content } of document.querySelectorAll("meta[name=part-file]")) {
    const answer = fetch(content);
    // Whoever takes it sees to that.
    answer.catch(() => {});
    parts.set(new URL(content, location.href).href, answer);
  }
  await started;
  hydrate();
} catch (error) {
  if (!window.knoxcallLeaving) throw error;
}"#;

/// The document, for the server. Without [`AssetPaths`] in the context it is a plain page, which still works.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let _ = options;
    let assets = use_context::<AssetPaths>();
    view! {
        <!DOCTYPE html>
        // A browser that translates the page while its code is on the way puts elements where the code expects text.
        <html lang="en" translate="no">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" type="image/svg+xml" href="/favicon.svg"/>
                {assets.map(|assets| view! { <Assets assets/> })}
                <MetaTags/>
            </head>
            <body>
                <crate::App/>
                <FailureView/>
            </body>
        </html>
    }
}

#[component]
fn Assets(assets: AssetPaths) -> impl IntoView {
    let AssetPaths { js, wasm, css, theme_js, failure_js, error_tracking_js, parts: _ } = assets;
    // In a script element only the end of that element has to be kept out; JSON allows it in another spelling.
    let tracking = use_context::<ErrorTracking>().map(|tracking| {
        let config = tracking.config.replace('<', "\\u003c");
        view! {
            <script id="error-tracking" r#type="application/json" nonce=use_nonce() inner_html=config></script>
            <script defer src=error_tracking_js nonce=use_nonce()></script>
        }
    });
    let start = format!("import init, {{ hydrate }} from {js:?};\nconst WASM = {wasm:?};\n{START}");
    view! {
        <script src=theme_js nonce=use_nonce()></script>
        <link rel="stylesheet" href=css/>
        <link rel="modulepreload" href=js nonce=use_nonce()/>
        <script defer src=failure_js nonce=use_nonce()></script>
        {tracking}
        <script r#type="module" nonce=use_nonce() inner_html=start></script>
    }
}

/// Says which part of the app's code the page needs, and its files, so that they come beside the main one, which would ask for
/// them only when it runs.
pub(crate) fn announce(part: &'static str) {
    // Rendering puts these into the page's head; here is nothing to show.
    drop(view! { <Meta name=PART content=part/> }.to_html());
    for file in use_context::<AssetPaths>().and_then(|mut assets| assets.parts.remove(part)).unwrap_or_default() {
        drop(view! { <Meta name="part-file" content=file/> }.to_html());
    }
}
