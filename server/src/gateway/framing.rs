//! Where HTTP/1.1 requests begin and end, by the strict grammar of RFC 9112 §6 and §7 and nothing beside it. Pure.

/// Longer lines are hyper's to refuse; only their beginning matters here.
const MAX_KEPT: usize = 256;

/// Why, and from which request on (counted from 1), the framing is not beyond doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    pub(super) request: u64,
    pub(super) reason: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    RequestLine,
    Header,
    Body(u64),
    ChunkSize { size: u64, digits: u8 },
    ChunkExtension { size: u64 },
    ChunkSizeLf { size: u64 },
    ChunkData(u64),
    ChunkDataCr,
    ChunkDataLf,
    Trailer,
}

/// Follows one connection.
#[derive(Debug)]
pub(super) struct Framing {
    at: At,
    /// Requests begun.
    requests: u64,
    /// The beginning of a line that came in pieces.
    line: Vec<u8>,
    /// Of the line in pieces: its last byte so far.
    last: u8,
    partial: bool,
    length: Option<u64>,
    chunked: bool,
}

impl Default for Framing {
    fn default() -> Self {
        Self { at: At::RequestLine, requests: 0, line: Vec::new(), last: 0, partial: false, length: None, chunked: false }
    }
}

impl Framing {
    /// Takes the next bytes.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> Result<(), Doubt> {
        while let Some(first) = bytes.first() {
            match self.at {
                At::RequestLine | At::Header | At::Trailer => {
                    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
                        self.keep(bytes);
                        return Ok(());
                    };
                    let (line, rest) = bytes.split_at(end + 1);
                    bytes = rest;
                    if self.partial {
                        self.keep(line);
                        // The LF itself; before it must stand a CR.
                        let whole = std::mem::take(&mut self.line);
                        let result = self.line(&whole);
                        self.line = whole;
                        self.line.clear();
                        self.partial = false;
                        result?;
                    } else {
                        self.line(line)?;
                    }
                }
                At::Body(left) => {
                    let taken = left.min(bytes.len() as u64);
                    bytes = bytes.get(usize::try_from(taken).unwrap_or(usize::MAX)..).unwrap_or_default();
                    self.at = if left > taken { At::Body(left - taken) } else { At::RequestLine };
                }
                At::ChunkData(left) => {
                    let taken = left.min(bytes.len() as u64);
                    bytes = bytes.get(usize::try_from(taken).unwrap_or(usize::MAX)..).unwrap_or_default();
                    self.at = if left > taken { At::ChunkData(left - taken) } else { At::ChunkDataCr };
                }
                _ => {
                    self.at = self.chunk(*first)?;
                    bytes = &bytes[1..];
                }
            }
        }
        Ok(())
    }

    /// One byte of what stands between chunks.
    fn chunk(&self, byte: u8) -> Result<At, Doubt> {
        Ok(match (self.at, byte) {
            (At::ChunkSize { size, digits }, _) if byte.is_ascii_hexdigit() && digits < 15 => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                At::ChunkSize { size: size << 4 | u64::from(digit), digits: digits + 1 }
            }
            (At::ChunkSize { size, digits: 1.. }, b';') => At::ChunkExtension { size },
            (At::ChunkSize { size, digits: 1.. }, b'\r') | (At::ChunkExtension { size }, b'\r') => At::ChunkSizeLf { size },
            (At::ChunkExtension { size }, b'\t' | b' '..=b'~' | 0x80..) => At::ChunkExtension { size },
            (At::ChunkSizeLf { size: 0 }, b'\n') => At::Trailer,
            (At::ChunkSizeLf { size }, b'\n') => At::ChunkData(size),
            (At::ChunkDataCr, b'\r') => At::ChunkDataLf,
            (At::ChunkDataLf, b'\n') => At::ChunkSize { size: 0, digits: 0 },
            // This body is hyper's to judge; where the next message begins is not known.
            _ => return Err(Doubt { request: self.requests + 1, reason: "chunk framing" }),
        })
    }

    fn keep(&mut self, piece: &[u8]) {
        self.partial = true;
        let room = MAX_KEPT.saturating_sub(self.line.len());
        self.line.extend_from_slice(&piece[..piece.len().min(room)]);
        if piece.last() == Some(&b'\n') {
            let before = if piece.len() > 1 { piece[piece.len() - 2] } else { self.last };
            if self.line.len() >= MAX_KEPT {
                // Cut: only what it began with is known, and how it ended.
                self.line.truncate(MAX_KEPT - 2);
                self.line.extend_from_slice(&[before, b'\n']);
            }
        } else if let Some(last) = piece.last() {
            self.last = *last;
        }
    }

    /// A line of the head or of the trailers, with its LF.
    fn line(&mut self, line: &[u8]) -> Result<(), Doubt> {
        let in_trailer = self.at == At::Trailer;
        let beginning = self.at == At::RequestLine && line != b"\r\n";
        let request = self.requests + u64::from(in_trailer || self.at == At::RequestLine);
        let doubt = |reason| Err(Doubt { request, reason });
        let Some(line) = line.strip_suffix(b"\r\n") else { return doubt("a line ends without CR") };
        match self.at {
            // Empty lines before a request are skipped (RFC 9112 §2.2).
            At::RequestLine if !beginning => Ok(()),
            At::RequestLine => {
                self.requests += 1;
                self.length = None;
                self.chunked = false;
                self.at = At::Header;
                Ok(())
            }
            At::Trailer => {
                if line.is_empty() {
                    self.at = At::RequestLine;
                }
                Ok(())
            }
            _ if line.is_empty() => {
                if self.chunked && self.length.is_some() {
                    return doubt("both Transfer-Encoding and Content-Length");
                }
                self.at = match self.length {
                    _ if self.chunked => At::ChunkSize { size: 0, digits: 0 },
                    Some(length) if length > 0 => At::Body(length),
                    _ => At::RequestLine,
                };
                Ok(())
            }
            _ => self.header(line).or_else(doubt),
        }
    }

    fn header(&mut self, line: &[u8]) -> Result<(), &'static str> {
        if line[0] == b' ' || line[0] == b'\t' {
            return Err("a folded header");
        }
        let Some(colon) = line.iter().take(32).position(|byte| *byte == b':') else { return Ok(()) };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        let is = |wanted: &[u8]| name.eq_ignore_ascii_case(wanted);
        if is_disguised(name, b"content-length") || is_disguised(name, b"transfer-encoding") {
            return Err("a framing header in disguise");
        }
        if is(b"content-length") {
            let digits = !value.is_empty() && value.len() <= 19 && value.iter().all(u8::is_ascii_digit);
            let length = std::str::from_utf8(value).ok().filter(|_| digits).and_then(|text| text.parse().ok());
            let Some(length) = length else { return Err("a Content-Length that is no number") };
            if self.length.replace(length).is_some() {
                return Err("more than one Content-Length");
            }
        } else if is(b"transfer-encoding") {
            if !value.eq_ignore_ascii_case(b"chunked") || self.chunked {
                return Err("a Transfer-Encoding other than chunked alone");
            }
            self.chunked = true;
        }
        Ok(())
    }
}

/// A name that another server might trim, or read an underscore in as a dash, into `wanted`.
fn is_disguised(name: &[u8], wanted: &[u8]) -> bool {
    let trimmed = name.trim_ascii();
    trimmed.len() == wanted.len()
        && (name.len() != wanted.len() || name.contains(&b'_'))
        && trimmed.iter().zip(wanted).all(|(a, b)| a.eq_ignore_ascii_case(b) || *a == b'_' && *b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole, and byte by byte: the pieces in which it comes make no difference.
    fn doubt(bytes: &str) -> Option<(u64, &'static str)> {
        let mut whole = Framing::default();
        let at_once = whole.feed(bytes.as_bytes()).err();
        for size in [1, 2, 3, 7] {
            let mut pieces = Framing::default();
            let one_by_one = bytes.as_bytes().chunks(size).find_map(|piece| pieces.feed(piece).err());
            assert_eq!(one_by_one, at_once, "in pieces of {size}: {bytes:?}");
        }
        at_once.map(|doubt| (doubt.request, doubt.reason))
    }

    const NEXT: &str = "GET / HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n";

    #[test]
    fn follows_good_messages_to_the_next_one() {
        let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(1000));
        for good in [
            "GET /a HTTP/1.1\r\nhost: a\r\n\r\n",
            "\r\n\r\nGET /a HTTP/1.1\r\nhost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\na\nb\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\na\r\n\n\r\r\nA;x=\"y\"\r\n0123456789\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding:chunked\r\n\r\n0\r\nx-sum: 1\r\ny: 2\r\n\r\n",
            &long,
        ] {
            assert_eq!(doubt(good), None, "{good:?}");
            assert_eq!(doubt(&format!("{good}{NEXT}")), Some((2, "a Content-Length that is no number")), "{good:?}");
        }
    }

    #[test]
    fn doubts() {
        for (bytes, request) in [
            ("POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 1),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 1),
            ("POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n", 1),
            ("POST / HTTP/1.1\r\nContent-Length: 5\r\nContent_Length: 6\r\n", 1),
            ("POST / HTTP/1.1\r\nContent-Length: 5, 5\r\n", 1),
            ("POST / HTTP/1.1\r\nContent-Length: +5\r\n", 1),
            ("POST / HTTP/1.1\r\nContent-Length:\r\n", 1),
            ("POST / HTTP/1.1\r\nContent-Length : 5\r\nContent-Length: 6\r\n", 1),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked, identity\r\n", 1),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n", 1),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 1),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n", 1),
            ("GET / HTTP/1.1\nhost: a\r\n", 1),
            ("GET / HTTP/1.1\r\nhost: a\n", 1),
            ("GET / HTTP/1.1\r\nhost: a\r\n\n", 1),
            ("\nGET / HTTP/1.1\r\n", 1),
            ("GET / HTTP/1.1\r\na: b\r\n c: d\r\n", 1),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n", 2),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\n", 2),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", 2),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\n", 2),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", 2),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a\nb\r\n", 2),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab", 2),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 2),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nx: y\n\r\n", 2),
            ("GET / HTTP/1.1\r\nhost: a\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 2),
        ] {
            assert_eq!(doubt(bytes).map(|(number, _)| number), Some(request), "{bytes:?}");
        }
        let long = format!("GET / HTTP/1.1\r\nx: {}\n", "y".repeat(1000));
        assert_eq!(doubt(&long), Some((1, "a line ends without CR")));
    }
}
