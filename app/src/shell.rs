//! The HTML document around the app.

use leptos::prelude::*;

/// Where this build's assets are, with their content hashes; the server puts it into the context.
#[derive(Clone, Debug)]
pub struct AssetPaths {
    /// Such as `/pkg/knoxcall.1f2e3d.js`.
    pub js: String,
    pub wasm: String,
    pub css: String,
    /// Runs before the first paint and chooses light or dark.
    pub theme_js: String,
}

/// The document, for the server.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let _ = options;
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head></head>
            <body><crate::App/></body>
        </html>
    }
}
