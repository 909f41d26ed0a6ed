//! Walks a text string by string as JSON has them, whether it is whole JSON, the beginning of it, lines of it, or has it
//! somewhere inside. What it does not take out stays byte for byte.

use super::{Hidden, REDACTED, Redactor, names};

/// A string from its first quote.
struct Quoted<'a> {
    /// Between the quotes, as it is written.
    raw: &'a str,
    /// Behind it.
    end: usize,
    closed: bool,
}

impl Redactor {
    /// Takes out the values of members with secret names, and looks into strings that are written with escapes.
    pub(super) fn strings(&self, text: &str, hidden: &Hidden, depth: usize) -> String {
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        while let Some(quote) = text[at..].find('"').map(|found| at + found) {
            out.push_str(&text[at..quote]);
            let string = quoted(text, quote, false);
            let colon = skip_space(text, string.end);
            if string.closed && text[colon..].starts_with(':') {
                let name = unescaped(string.raw);
                if names::secret(&name) || hidden.has(&name) {
                    let value = skip_space(text, colon + 1);
                    out.push_str(&text[quote..value]);
                    at = hide(text, value, &mut out);
                    continue;
                }
            }
            self.string(&string, hidden, depth, &mut out);
            at = string.end;
        }
        out.push_str(&text[at..]);
        out
    }

    fn string(&self, string: &Quoted<'_>, hidden: &Hidden, depth: usize, out: &mut String) {
        out.push('"');
        // Without escapes the text's patterns see it as it is.
        let plain = string.raw.contains('\\').then(|| unescaped(string.raw));
        match plain.as_ref().map(|plain| (plain, self.deeper(plain, hidden, depth))) {
            Some((before, after)) if *before != after => {
                let written = serde_json::to_string(&after).unwrap_or_default();
                out.push_str(written.trim_start_matches('"').strip_suffix('"').unwrap_or(REDACTED));
            }
            _ => out.push_str(string.raw),
        }
        if string.closed {
            out.push('"');
        }
    }
}

/// The string whose first quote is at `start`. JSON has no line ends inside: one that is left open ends with its line, so
/// that a stray quote confuses no more than that, unless it may go over `lines`.
fn quoted(text: &str, start: usize, lines: bool) -> Quoted<'_> {
    let bytes = text.as_bytes();
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'"' => return Quoted { raw: &text[start + 1..at], end: at + 1, closed: true },
            b'\n' | b'\r' if !lines => return Quoted { raw: &text[start + 1..at], end: at, closed: false },
            _ => {}
        }
        at += 1;
    }
    Quoted { raw: &text[start + 1..], end: text.len(), closed: false }
}

/// Writes what stands for the value at `at`, and returns where it ends. What says that there is no secret stays.
fn hide(text: &str, at: usize, out: &mut String) -> usize {
    let quoted_redacted = |out: &mut String| {
        out.push('"');
        out.push_str(REDACTED);
        out.push('"');
    };
    match text.as_bytes().get(at) {
        None => text.len(),
        Some(b'"') => {
            let string = quoted(text, at, true);
            if string.raw.is_empty() {
                out.push_str(&text[at..string.end]);
            } else {
                quoted_redacted(out);
            }
            string.end
        }
        Some(b'{' | b'[') => {
            quoted_redacted(out);
            nested_end(text, at)
        }
        Some(b'\'') => {
            quoted_redacted(out);
            text[at + 1..].find('\'').map_or(text.len(), |end| at + 1 + end + 1)
        }
        Some(_) => {
            let end = text[at..].find(|c: char| c.is_whitespace() || ",}]".contains(c)).map_or(text.len(), |end| at + end);
            match &text[at..end] {
                nothing @ ("" | "null" | "true" | "false") => out.push_str(nothing),
                _ => quoted_redacted(out),
            }
            end
        }
    }
}

/// Where the object or array that begins at `at` ends.
fn nested_end(text: &str, mut at: usize) -> usize {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at = quoted(text, at, true).end;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    text.len()
}

fn skip_space(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start().len()
}

/// What a string means. What is no escape, or only the beginning of one, stays as it is written.
fn unescaped(raw: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(found) = rest.find('\\') {
        units.extend(rest[..found].encode_utf16());
        rest = &rest[found + 1..];
        let Some(escape) = rest.chars().next() else { break };
        let code = rest.get(1..5).filter(|_| escape == 'u').and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let (unit, length) = match (escape, code) {
            (_, Some(code)) => (code, 5),
            ('n', _) => (u16::from(b'\n'), 1),
            ('r', _) => (u16::from(b'\r'), 1),
            ('t', _) => (u16::from(b'\t'), 1),
            ('b' | 'f', _) => (u16::from(b' '), 1),
            ('"' | '\\' | '/', _) => (escape as u16, 1),
            _ => (u16::from(b'\\'), 0),
        };
        units.push(unit);
        rest = &rest[length..];
    }
    units.extend(rest.encode_utf16());
    String::from_utf16_lossy(&units)
}
