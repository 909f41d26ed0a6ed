//! The built site: WebAssembly, script, styles and public files, each with its content's hash in the name and compressed
//! ahead of time (`.br`, `.gz` beside the file).
//!
//! With the feature `embed-assets` the folder `target/site` is part of the binary; without it the files are read from disk.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use app::AssetPaths;
use axum::body::Body;
use axum::extract::{MatchedPath, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Names with a content hash never change their content.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const REVALIDATE: HeaderValue = HeaderValue::from_static("public, no-cache");

/// Where the files come from, and what this build's are called.
#[derive(Clone, Debug)]
pub struct Assets {
    source: Source,
    paths: Arc<AssetPaths>,
}

/// `site/pkg/manifest.json`: names under `/pkg/`.
#[derive(Deserialize)]
struct Manifest {
    js: String,
    wasm: String,
    /// The files of each part of the code that is fetched when one of its pages is opened.
    #[serde(default)]
    parts: BTreeMap<String, Vec<String>>,
    css: String,
    theme: String,
    failure: String,
    error_tracking: String,
}

impl Assets {
    /// The site that belongs to this binary.
    #[must_use]
    pub fn of_this_build() -> Self {
        Self::from_source(Source::of_this_build())
    }

    /// A site in a folder.
    #[must_use]
    pub fn in_folder(folder: impl Into<std::path::PathBuf>) -> Self {
        Self::from_source(Source::Folder(Arc::new(folder.into())))
    }

    fn from_source(source: Source) -> Self {
        let manifest = source.read_now("pkg/manifest.json").and_then(|bytes| serde_json::from_slice::<Manifest>(&bytes).ok());
        // Without a manifest the names are those that `cargo leptos watch` makes; it puts public files at the top.
        let manifest = manifest.unwrap_or_else(|| Manifest {
            js: "knoxcall.js".to_owned(),
            wasm: "knoxcall.wasm".to_owned(),
            parts: BTreeMap::new(),
            css: "knoxcall.css".to_owned(),
            theme: "../theme.js".to_owned(),
            failure: "failure.js".to_owned(),
            error_tracking: "error-tracking.js".to_owned(),
        });
        let path = |name: &str| name.strip_prefix("..").map_or_else(|| format!("/pkg/{name}"), str::to_owned);
        let paths = AssetPaths {
            js: path(&manifest.js),
            wasm: path(&manifest.wasm),
            parts: manifest.parts.into_iter().map(|(part, files)| (part, files.iter().map(|file| path(file)).collect())).collect(),
            css: path(&manifest.css),
            theme_js: path(&manifest.theme),
            failure_js: path(&manifest.failure),
            error_tracking_js: path(&manifest.error_tracking),
        };
        Self { source, paths: Arc::new(paths) }
    }

    #[must_use]
    pub fn paths(&self) -> &AssetPaths {
        &self.paths
    }

    /// Answers a request for a file, or `None` where there is none of that name.
    pub async fn respond(&self, method: &Method, path: &str, headers: &HeaderMap) -> Option<Response> {
        if *method != Method::GET && *method != Method::HEAD {
            return None;
        }
        let name = file_name(path)?;
        let (content, encoding) = self.best(name, headers).await?;
        let etag = HeaderValue::from_str(&format!("\"{}\"", hex::encode(&Sha256::digest(&content)[..16]))).ok()?;
        let mut response = Response::new(Body::empty());
        let out = response.headers_mut();
        out.insert(CACHE_CONTROL, if has_content_hash(name) { FOREVER } else { REVALIDATE });
        out.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        out.insert(ETAG, etag.clone());
        if matches_etag(headers, &etag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Some(response);
        }
        out.insert(CONTENT_TYPE, HeaderValue::from_static(mime_of(name)));
        out.insert(CONTENT_LENGTH, HeaderValue::from(content.len()));
        if let Some(encoding) = encoding {
            out.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        if *method == Method::GET {
            *response.body_mut() = match content {
                Cow::Borrowed(bytes) => Body::from(bytes),
                Cow::Owned(bytes) => Body::from(bytes),
            };
        }
        Some(response)
    }

    /// The smallest variant that the client takes.
    async fn best(&self, name: &str, headers: &HeaderMap) -> Option<(Cow<'static, [u8]>, Option<&'static str>)> {
        let plain = self.source.read(name).await?;
        for (coding, suffix) in [("br", "br"), ("gzip", "gz")] {
            if accepts(headers, coding)
                && let Some(smaller) = self.source.read(&format!("{name}.{suffix}")).await
            {
                return Some((smaller, Some(coding)));
            }
        }
        Some((plain, None))
    }
}

/// `GET /pkg/*`: a file of the build or 404.
pub(super) async fn package(State(assets): State<Assets>, request: Request<Body>) -> Response {
    match assets.respond(request.method(), request.uri().path(), request.headers()).await {
        Some(response) => response,
        None => (StatusCode::NOT_FOUND, "not found\n").into_response(),
    }
}

/// Files beside `pkg/`, such as the icon: for paths that are no route.
pub(super) async fn public_file(State(assets): State<Assets>, request: Request<Body>, next: Next) -> Response {
    if request.extensions().get::<MatchedPath>().is_none()
        && let Some(response) = assets.respond(request.method(), request.uri().path(), request.headers()).await
    {
        return response;
    }
    next.run(request).await
}

/// The file that a path names: plain characters only, no hidden and no parent segments, and never a compressed twin.
fn file_name(path: &str) -> Option<&str> {
    let name = path.strip_prefix('/')?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let fine = name.split('/').all(|segment| !segment.is_empty() && !segment.starts_with('.') && segment.bytes().all(plain));
    let twin = name.ends_with(".br") || name.ends_with(".gz");
    (fine && !twin).then_some(name)
}

/// `name.<hash>.ext` with at least eight hex digits.
fn has_content_hash(name: &str) -> bool {
    let mut parts = name.rsplit('.');
    let (_extension, hash) = (parts.next(), parts.next());
    parts.next().is_some() && hash.is_some_and(|hash| hash.len() >= 8 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn mime_of(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// RFC 9110 §12.5.3; a coding with `q=0` is refused, one that is not named is not taken.
fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    let listed = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    listed.into_iter().any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="))).unwrap_or("1");
        name.eq_ignore_ascii_case(coding) && quality.parse::<f32>().is_ok_and(|quality| quality > 0.0)
    })
}

/// RFC 9110 §13.1.2, weak comparison.
fn matches_etag(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let given = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    given.map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one).as_bytes() == etag.as_bytes())
}

#[derive(Clone, Debug)]
enum Source {
    Folder(Arc<std::path::PathBuf>),
    #[cfg(feature = "embed-assets")]
    Embedded,
}

#[cfg(feature = "embed-assets")]
#[derive(rust_embed::RustEmbed)]
#[folder = "../target/site"]
struct Site;

impl Source {
    #[cfg(feature = "embed-assets")]
    fn of_this_build() -> Self {
        Self::Embedded
    }

    #[cfg(not(feature = "embed-assets"))]
    fn of_this_build() -> Self {
        let folder = std::env::var_os("KNOXCALL_SITE_DIR")
            .map_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../target/site").into(), std::path::PathBuf::from);
        Self::Folder(Arc::new(folder))
    }

    async fn read(&self, name: &str) -> Option<Cow<'static, [u8]>> {
        match self {
            Self::Folder(folder) => tokio::fs::read(folder.join(name)).await.ok().map(Cow::Owned),
            #[cfg(feature = "embed-assets")]
            Self::Embedded => Site::get(name).map(|file| file.data),
        }
    }

    fn read_now(&self, name: &str) -> Option<Cow<'static, [u8]>> {
        match self {
            Self::Folder(folder) => std::fs::read(folder.join(name)).ok().map(Cow::Owned),
            #[cfg(feature = "embed-assets")]
            Self::Embedded => Site::get(name).map(|file| file.data),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_reach_the_files() {
        assert_eq!(file_name("/pkg/knoxcall.js"), Some("pkg/knoxcall.js"));
        for refused in ["/", "/pkg/../Cargo.toml", "/..", "/pkg//x", "/.env", "/pkg/%2e%2e/x", "/a\\b", "/pkg/knoxcall.js.br", "x"] {
            assert_eq!(file_name(refused), None, "{refused}");
        }
    }

    #[test]
    fn hashes_are_recognised() {
        assert!(has_content_hash("pkg/knoxcall.1f2e3d4c.js"));
        assert!(!has_content_hash("pkg/knoxcall.js"));
        assert!(!has_content_hash("pkg/knoxcall.min.js"));
        assert!(!has_content_hash("deadbeef.js"));
    }

    #[test]
    fn codings_are_negotiated() {
        let headers = |text: &'static str| HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(text))]);
        assert!(accepts(&headers("gzip, deflate, br;q=0.5"), "br"));
        assert!(!accepts(&headers("gzip, br;q=0"), "br"));
        assert!(!accepts(&headers("identity"), "gzip"));
        assert!(!accepts(&HeaderMap::new(), "gzip"));
    }
}
