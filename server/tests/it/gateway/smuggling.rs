use super::rig::{Rig, Table, WHO};
use crate::support::upstream::Upstream;

/// A request hidden behind the one that is sent; it must never be served.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: gw.test\r\nx-knoxcall-key: tk_good\r\nx-knoxcall-route: billing\r\n\r\n";

#[tokio::test]
async fn ambiguous_messages_are_refused_and_the_connection_is_closed() {
    let upstream = Upstream::start().await;
    let rig = Rig::start(&Table::to(&upstream.url())).await;
    let chunked = "5\r\nhello\r\n0\r\n\r\n";
    for (what, head, body) in [
        ("length, then chunked", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", chunked),
        ("chunked, then length", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", chunked),
        ("two lengths", "Content-Length: 5\r\nContent-Length: 6\r\n", "hello"),
        ("two equal lengths", "Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
        ("a list of lengths", "Content-Length: 5, 5\r\n", "hello"),
        ("a signed length", "Content-Length: +5\r\n", "hello"),
        ("a hexadecimal length", "Content-Length: 0x5\r\n", "hello"),
        ("an endless length", "Content-Length: 99999999999999999999\r\n", "hello"),
        ("chunked, identity", "Transfer-Encoding: chunked, identity\r\n", chunked),
        ("gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n", chunked),
        ("chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunked),
        ("chunked and identity", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", chunked),
        ("quoted chunked", "Transfer-Encoding: \"chunked\"\r\n", chunked),
        ("vertical tab", "Transfer-Encoding: \x0bchunked\r\n", chunked),
        ("underscore", "Transfer_Encoding: chunked\r\nContent-Length: 5\r\n", "hello"),
        ("space before colon", "Transfer-Encoding : chunked\r\n", chunked),
        ("space before a name", " Transfer-Encoding: chunked\r\n", chunked),
        ("folded value", "Transfer-Encoding:\r\n chunked\r\n", chunked),
        ("folded header", "x-a: b\r\n\tc\r\nContent-Length: 5\r\n", "hello"),
        ("bare LF", "x-a: b\nContent-Length: 5\r\n", "hello"),
        ("bare CR", "x-a: b\rContent-Length: 5\r\n", "hello"),
        ("NUL", "x-a: b\0c\r\nContent-Length: 5\r\n", "hello"),
        ("no colon", "x-a\r\nContent-Length: 5\r\n", "hello"),
        ("second Host", "Host: other.test\r\nContent-Length: 5\r\n", "hello"),
    ] {
        let before = upstream.seen().len();
        let answer = rig.raw(format!("POST / HTTP/1.1\r\n{WHO}{head}\r\n{body}{HIDDEN}")).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{what}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{what}: {answer}");
        assert_eq!(upstream.seen().len(), before, "{what} reached the upstream");
    }
    for (what, request) in [
        ("no Host", "GET / HTTP/1.1\r\nx-knoxcall-key: tk_good\r\nx-knoxcall-route: billing\r\n\r\n"),
        ("empty Host", "GET / HTTP/1.1\r\nHost:\r\nx-knoxcall-key: tk_good\r\nx-knoxcall-route: billing\r\n\r\n"),
        ("Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\nx-knoxcall-key: tk_good\r\nx-knoxcall-route: billing\r\n\r\n"),
        ("Host with credentials", "GET / HTTP/1.1\r\nHost: a@b\r\nx-knoxcall-key: tk_good\r\nx-knoxcall-route: billing\r\n\r\n"),
        ("LF for CRLF", "GET / HTTP/1.1\nHost: a\nx-knoxcall-key: tk_good\nx-knoxcall-route: billing\n\n"),
        ("chunked in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("tab", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("a space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"),
    ] {
        let answer = rig.raw(format!("{request}{HIDDEN}")).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") || answer.starts_with("HTTP/1.0 400 "), "{what}: {answer}");
        assert_eq!(answer.matches("HTTP/1.").count(), 1, "{what}: {answer}");
    }
    assert_eq!(upstream.seen().len(), 0);
}

#[tokio::test]
async fn broken_chunks_never_make_a_second_request() {
    let upstream = Upstream::start().await;
    let rig = Rig::start(&Table::to(&upstream.url())).await;
    for body in [
        "5 \r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "5\nhello\n0\n\n",
        "5\r\nhelloworld\r\n0\r\n\r\n",
        "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "\r\n5\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\r\n\n",
        "5\r\nhello\r\n0\r\nx: y\n\r\n",
    ] {
        let answer = rig.raw(format!("POST / HTTP/1.1\r\n{WHO}Transfer-Encoding: chunked\r\n\r\n{body}{HIDDEN}")).await;
        assert!(!upstream.seen().iter().any(|echo| echo.path == "/hidden"), "{body:?}: {answer}");
    }
}

#[tokio::test]
async fn good_messages_in_a_row_are_all_served() {
    let upstream = Upstream::start().await;
    let rig = Rig::start(&Table::to(&upstream.url())).await;
    let chunked = format!("POST /1 HTTP/1.1\r\n{WHO}Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    let sized = format!("POST /2 HTTP/1.1\r\n{WHO}Content-Length: 5\r\n\r\nhello");
    let empty = format!("GET /3 HTTP/1.1\r\n{WHO}\r\n");
    let last = format!("GET /4 HTTP/1.1\r\n{WHO}Connection: close\r\n\r\n");
    let answer = rig.raw(format!("{chunked}{sized}\r\n{empty}{last}")).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 4, "{answer}");
    let seen: Vec<_> = upstream.seen().into_iter().map(|echo| (echo.path, echo.body_length)).collect();
    assert_eq!(seen, [("/1".to_owned(), 5), ("/2".to_owned(), 5), ("/3".to_owned(), 0), ("/4".to_owned(), 0)]);
}

#[tokio::test]
async fn heads_that_are_too_large_or_too_slow() {
    let upstream = Upstream::start().await;
    let config = server::gateway::Config {
        header_timeout: std::time::Duration::from_millis(300),
        max_header_bytes: 16 * 1024,
        ..server::gateway::Config::default()
    };
    let rig = Rig::with(&Table::to(&upstream.url()), config, crate::support::network::outbound()).await;
    let big = format!("GET / HTTP/1.1\r\n{WHO}x-big: {}\r\n\r\n", "a".repeat(20_000));
    assert!(rig.raw(big).await.starts_with("HTTP/1.1 431 "));
    let many = format!("GET / HTTP/1.1\r\n{WHO}{}\r\n", "a: b\r\n".repeat(120));
    assert!(rig.raw(many).await.starts_with("HTTP/1.1 431 "));
    // Nothing, the beginning of either protocol, half a head: none of it holds a connection for long.
    for slow in ["", "PRI * HT", "GET / HTTP/1.1\r\nHost:"] {
        rig.raw(slow).await;
    }
    assert_eq!(upstream.connections(), 0);
}
