//! Files of the build: names, compression, caching, and what must not be reached.

use reqwest::{Method, StatusCode};

use super::TestConsole;

const JS: &[u8] = b"console.log('hydrated')";

pub(super) fn site() -> tempfile::TempDir {
    let site = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = site.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    write("pkg/knoxcall.0123456789ab.js", JS);
    write("pkg/knoxcall.0123456789ab.js.br", b"brotli");
    write("pkg/knoxcall.0123456789ab.js.gz", b"gzip");
    write("pkg/knoxcall.0123456789ab.wasm", b"\0asm");
    write("pkg/knoxcall.0123456789ab.css", b"body{}");
    write("pkg/theme.0123456789ab.js", b"0");
    write(
        "pkg/manifest.json",
        br#"{"js": "knoxcall.0123456789ab.js", "wasm": "knoxcall.0123456789ab.wasm", "parts": {"entry": ["chunk_4.0123456789ab.wasm", "entry.0123456789ab.wasm"], "traffic": ["traffic.0123456789ab.wasm"]}, "css": "knoxcall.0123456789ab.css", "theme": "theme.0123456789ab.js", "failure": "failure.0123456789ab.js", "error_tracking": "error-tracking.0123456789ab.js"}"#,
    );
    write("favicon.svg", b"<svg/>");
    write(".hidden", b"secret");
    site
}

const SCRIPT: &str = "/pkg/knoxcall.0123456789ab.js";

#[tokio::test]
async fn the_smallest_variant_that_the_client_takes() {
    let site = site();
    let console = TestConsole::start_with(None, Some(site.path())).await;
    for (accepted, encoding, body) in [
        ("gzip, deflate, br, zstd", "br", b"brotli".as_slice()),
        ("gzip", "gzip", b"gzip"),
        ("br;q=0, gzip;q=0.5", "gzip", b"gzip"),
        ("identity", "", JS),
        ("", "", JS),
    ] {
        let answer = console.browser().send(Method::GET, SCRIPT, &[("accept-encoding", accepted)], None).await;
        assert_eq!(answer.status, StatusCode::OK, "{accepted}");
        assert_eq!((answer.header("content-encoding"), answer.body.as_slice()), (encoding, body), "{accepted}");
        assert_eq!(answer.header("vary").to_ascii_lowercase(), "accept-encoding");
        assert_eq!(answer.header("content-type"), "text/javascript; charset=utf-8");
        assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
    }
    let wasm = console.browser().send(Method::GET, "/pkg/knoxcall.0123456789ab.wasm", &[], None).await;
    assert_eq!(wasm.header("content-type"), "application/wasm");
}

#[tokio::test]
async fn a_known_etag_is_not_sent_again() {
    let site = site();
    let console = TestConsole::start_with(None, Some(site.path())).await;
    let browser = console.browser();
    let plain = browser.send(Method::GET, SCRIPT, &[], None).await;
    let etag = plain.header("etag");
    assert!(etag.starts_with('"') && etag.ends_with('"'), "a strong one: {etag}");
    let packed = browser.send(Method::GET, SCRIPT, &[("accept-encoding", "br")], None).await;
    assert_ne!(packed.header("etag"), etag, "each variant has its own");
    for given in [etag.to_owned(), format!("W/{etag}"), format!("\"other\", {etag}"), "*".to_owned()] {
        let again = browser.send(Method::GET, SCRIPT, &[("if-none-match", &given)], None).await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{given}");
        assert_eq!(again.header("etag"), etag);
        assert!(again.header("cache-control").contains("immutable"));
    }
    let changed = browser.send(Method::GET, SCRIPT, &[("if-none-match", "\"other\"")], None).await;
    assert_eq!(changed.status, StatusCode::OK);
    let head = browser.send(Method::HEAD, SCRIPT, &[], None).await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (StatusCode::OK, JS.len().to_string().as_str(), 0));
}

#[tokio::test]
async fn public_files_need_nobody_and_are_asked_for_again() {
    let site = site();
    let console = TestConsole::start_with(None, Some(site.path())).await;
    let icon = console.browser().send(Method::GET, "/favicon.svg", &[], None).await;
    assert_eq!((icon.status, icon.header("content-type")), (StatusCode::OK, "image/svg+xml"));
    assert_eq!(icon.header("cache-control"), "public, no-cache");
}

#[tokio::test]
async fn a_page_names_the_files_of_its_part_and_of_no_other() {
    let site = site();
    let console = TestConsole::start_with(None, Some(site.path())).await;
    let page = console.browser().get("/sign-in").await.text();
    let head = page.split("</head>").next().unwrap();
    for file in ["knoxcall", "chunk_4", "entry"] {
        assert!(head.contains(&format!("/pkg/{file}.0123456789ab.wasm")), "{file}: {head}");
    }
    assert!(!page.contains("/pkg/traffic."), "{head}");
}

#[tokio::test]
async fn nothing_outside_is_reached() {
    let site = site();
    let console = TestConsole::start_with(None, Some(site.path())).await;
    for path in ["/pkg/../.hidden", "/pkg/%2e%2e/.hidden", "/pkg/..%2f.hidden", "/pkg/.hidden", "/pkg/nothing.js", "/pkg//", "/pkg/%00"] {
        let answer = raw(&console.base, path).await;
        assert!(answer.starts_with("HTTP/1.1 404") || answer.starts_with("HTTP/1.1 303"), "{path}: {answer}");
        assert!(!answer.contains("secret"), "{path}");
    }
    assert!(!raw(&console.base, "/.hidden").await.contains("secret"));
}

/// A request line as it stands: the client's URL parser would resolve `..` itself.
async fn raw(base: &str, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(base.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}
