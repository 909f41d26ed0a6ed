//! Reads a few members of one JSON object while its bytes go by in pieces of any size.
//!
//! It holds the text of one wanted scalar at most, up to [`MAX_TEXT`]; everything else (prompts, completions) is skipped
//! byte by byte, whatever its length or depth. What it skips it does not check beyond strings and brackets; along the path
//! of what is wanted the grammar is RFC 8259's, and the first byte that leaves it ends the reading.

use super::member::{Inside, Node, Value, decoded, literal};

/// The longest text of a member's name or of a wanted value, in bytes as it is written.
pub(super) const MAX_TEXT: usize = 1024;
/// As deep as wanted members may lie.
const MAX_LEVELS: usize = 5;

/// How names of members are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    Exact,
    /// Without regard to case, as some servers' parsers do: for whoever must see what any of them would.
    AnyCase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The object has not begun.
    Start,
    /// In an object: a name, or after `{` the end.
    Name {
        first: bool,
    },
    InName,
    Colon,
    Value,
    /// In an array: a value, or after `[` the end.
    Item {
        first: bool,
    },
    InText,
    InScalar,
    /// Inside a value that nobody wants.
    Skip {
        depth: u64,
        text: bool,
    },
    /// Behind a value.
    After,
    Done,
    Broken,
}

#[derive(Debug)]
enum Level<F: 'static> {
    Object(&'static [Node<F>]),
    Array(&'static [Node<F>]),
    Items(F),
}

impl<F> Level<F> {
    const fn is_array(&self) -> bool {
        matches!(self, Self::Array(_) | Self::Items(_))
    }
}

/// Reads one object.
#[derive(Debug)]
pub(super) struct Scanner<F: 'static> {
    nodes: &'static [Node<F>],
    names: Names,
    state: State,
    escaped: bool,
    levels: Vec<Level<F>>,
    /// The member whose value comes, if anything of it is wanted.
    wanted: Option<&'static Node<F>>,
    text: Vec<u8>,
    /// `text` is cut off.
    long: bool,
}

impl<F: Copy> Scanner<F> {
    pub(super) const fn new(nodes: &'static [Node<F>], names: Names) -> Self {
        Self { nodes, names, state: State::Start, escaped: false, levels: Vec::new(), wanted: None, text: Vec::new(), long: false }
    }

    /// Begins another object.
    pub(super) fn restart(&mut self) {
        self.state = State::Start;
        self.levels.clear();
        self.wanted = None;
        self.escaped = false;
    }

    /// The object has ended.
    pub(super) fn done(&self) -> bool {
        self.state == State::Done
    }

    /// This is not a JSON object; nothing more is read.
    pub(super) fn broken(&self) -> bool {
        self.state == State::Broken
    }

    /// Takes the next bytes, and reports what is wanted as it is met.
    pub(super) fn feed(&mut self, bytes: &[u8], on: &mut impl FnMut(F, Value)) {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            match self.state {
                State::Skip { depth, text } => at += self.skip(&bytes[at..], depth, text),
                State::InName | State::InText => at += self.string(&bytes[at..], on),
                State::InScalar => at += self.scalar(&bytes[at..], on),
                State::Broken => return,
                _ => {
                    self.between(*byte, on);
                    at += 1;
                }
            }
        }
    }

    /// One byte where the grammar decides what comes next.
    fn between(&mut self, byte: u8, on: &mut impl FnMut(F, Value)) {
        if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            return;
        }
        self.state = match (self.state, byte) {
            (State::Start, b'{') => {
                self.levels.push(Level::Object(self.nodes));
                State::Name { first: true }
            }
            (State::Name { .. }, b'"') => {
                self.begin_text();
                State::InName
            }
            (State::Name { first: true }, b'}') | (State::Item { first: true }, b']') => self.close(),
            (State::Colon, b':') => State::Value,
            (State::Value, _) => self.value(byte, on),
            (State::Item { .. }, _) => self.item(byte, on),
            (State::After, b',') => match self.levels.last() {
                Some(level) if level.is_array() => State::Item { first: false },
                _ => State::Name { first: false },
            },
            (State::After, b'}') if matches!(self.levels.last(), Some(Level::Object(_))) => self.close(),
            (State::After, b']') if self.levels.last().is_some_and(Level::is_array) => self.close(),
            _ => State::Broken,
        };
    }

    fn close(&mut self) -> State {
        self.levels.pop();
        if self.levels.is_empty() { State::Done } else { State::After }
    }

    /// The first byte of a member's value.
    fn value(&mut self, byte: u8, on: &mut impl FnMut(F, Value)) -> State {
        let Some(node) = self.wanted else { return skipping(byte) };
        if matches!(byte, b'{' | b'[') || matches!(node.inside, Inside::Items(_)) {
            self.wanted = None;
            if let Some(field) = node.field {
                on(field, Value::Other);
            }
            return match (byte, &node.inside) {
                (b'{', Inside::Object(nodes)) => self.descend(Level::Object(nodes), State::Name { first: true }, byte),
                (b'[', Inside::Each(nodes)) => self.descend(Level::Array(nodes), State::Item { first: true }, byte),
                (b'[', Inside::Items(field)) => self.descend(Level::Items(*field), State::Item { first: true }, byte),
                _ => skipping(byte),
            };
        }
        if node.field.is_none() {
            self.wanted = None;
            return skipping(byte);
        }
        self.begin_text();
        if byte == b'"' {
            State::InText
        } else if is_scalar(byte) {
            self.text.push(byte);
            State::InScalar
        } else {
            State::Broken
        }
    }

    /// The first byte of a value in an array.
    fn item(&mut self, byte: u8, on: &mut impl FnMut(F, Value)) -> State {
        match (byte, self.levels.last()) {
            (b'"' | b'{' | b'[', Some(Level::Items(field))) => {
                on(*field, Value::Other);
                skipping(byte)
            }
            (b'{', Some(Level::Array(nodes))) => {
                let nodes: &'static [Node<F>] = nodes;
                self.descend(Level::Object(nodes), State::Name { first: true }, byte)
            }
            _ => skipping(byte),
        }
    }

    fn descend(&mut self, level: Level<F>, state: State, byte: u8) -> State {
        if self.levels.len() == MAX_LEVELS {
            return skipping(byte);
        }
        self.levels.push(level);
        state
    }

    fn begin_text(&mut self) {
        self.text.clear();
        self.long = false;
        self.escaped = false;
    }

    /// Goes on inside a name or a wanted text; returns how many bytes it took.
    fn string(&mut self, bytes: &[u8], on: &mut impl FnMut(F, Value)) -> usize {
        let end = self.string_end(bytes);
        let content = &bytes[..end.unwrap_or(bytes.len())];
        let room = MAX_TEXT - self.text.len();
        self.long |= content.len() > room;
        self.text.extend_from_slice(&content[..content.len().min(room)]);
        let Some(end) = end else { return bytes.len() };
        if self.state == State::InName {
            let (node, plain) = self.named();
            self.wanted = node.filter(|_| plain);
            if let (Some(field), false) = (node.and_then(|node| node.field), plain) {
                on(field, Value::Misspelled);
            }
            self.state = State::Colon;
        } else {
            let value = if self.long { None } else { decoded(&self.text) };
            self.report(value.map_or(Value::Other, Value::Text), on);
        }
        end + 1
    }

    /// Where the string ends in these bytes, keeping the state of escapes.
    fn string_end(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, byte) in bytes.iter().enumerate() {
            if self.escaped {
                self.escaped = false;
            } else if *byte == b'\\' {
                self.escaped = true;
            } else if *byte == b'"' {
                return Some(at);
            }
        }
        None
    }

    /// The wanted member of this name, and whether it is written as it should be.
    fn named(&self) -> (Option<&'static Node<F>>, bool) {
        let Some(Level::Object(nodes)) = self.levels.last() else { return (None, true) };
        let nodes: &'static [Node<F>] = nodes;
        if self.long {
            return (None, true);
        }
        if self.names == Names::Exact && !self.text.contains(&b'\\') {
            return (nodes.iter().find(|node| node.key.as_bytes() == self.text), true);
        }
        let Some(name) = decoded(&self.text) else { return (None, true) };
        match self.names {
            Names::Exact => (nodes.iter().find(|node| node.key == name), true),
            // Upper case takes in the letters beyond ASCII that fold to it: U+017F is an S, and U+212A is one for K.
            Names::AnyCase => {
                let folded = name.to_lowercase().to_uppercase();
                let node = nodes.iter().find(|node| node.key.to_uppercase() == folded);
                (node, node.is_none_or(|node| node.key == name))
            }
        }
    }

    /// Goes on inside a wanted number or literal; the byte that ends it is not taken.
    fn scalar(&mut self, bytes: &[u8], on: &mut impl FnMut(F, Value)) -> usize {
        let end = bytes.iter().position(|byte| !is_scalar(*byte));
        let content = &bytes[..end.unwrap_or(bytes.len())];
        let room = MAX_TEXT - self.text.len();
        self.long |= content.len() > room;
        self.text.extend_from_slice(&content[..content.len().min(room)]);
        if end.is_some() {
            let value = if self.long { Value::Other } else { literal(&self.text) };
            self.report(value, on);
        }
        content.len()
    }

    fn report(&mut self, value: Value, on: &mut impl FnMut(F, Value)) {
        if let Some(field) = self.wanted.take().and_then(|node| node.field) {
            on(field, value);
        }
        self.state = State::After;
    }

    /// Goes on inside a value that nobody wants; returns how many bytes it took.
    fn skip(&mut self, bytes: &[u8], mut depth: u64, mut text: bool) -> usize {
        for (at, byte) in bytes.iter().enumerate() {
            if text {
                if self.escaped {
                    self.escaped = false;
                } else if *byte == b'\\' {
                    self.escaped = true;
                } else if *byte == b'"' {
                    text = false;
                    if depth == 0 {
                        self.state = State::After;
                        return at + 1;
                    }
                }
                continue;
            }
            match byte {
                b'"' => text = true,
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth > 0 => {
                    depth -= 1;
                    if depth == 0 {
                        self.state = State::After;
                        return at + 1;
                    }
                }
                // The end of a number or literal belongs to what is around it.
                _ if depth == 0 && !is_scalar(*byte) => {
                    self.state = State::After;
                    return at;
                }
                _ => {}
            }
        }
        self.state = State::Skip { depth, text };
        bytes.len()
    }
}

/// How a value begins that nobody wants.
const fn skipping(byte: u8) -> State {
    match byte {
        b'"' => State::Skip { depth: 0, text: true },
        b'{' | b'[' => State::Skip { depth: 1, text: false },
        _ if is_scalar(byte) => State::Skip { depth: 0, text: false },
        _ => State::Broken,
    }
}

/// Of numbers and literals, also of those that are none.
const fn is_scalar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
