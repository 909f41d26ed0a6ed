//! Takes an event stream apart (WHATWG HTML, "Server-sent events") while it goes by in pieces of any size.
//!
//! It holds no line: the content of `data` fields is handed on as it comes, everything else is skipped.

/// What the stream says next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Some of the event's data. Lines of it are separated by `\n`.
    Data(&'a [u8]),
    /// The event ends.
    End,
}

const DATA: &[u8; 4] = b"data";
const BYTE_ORDER_MARK: &[u8; 3] = b"\xef\xbb\xbf";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In a field's name: as much of it as `data` has, and whether it is longer than that.
    Name {
        held: [u8; 4],
        length: usize,
    },
    /// A space here is not part of the data.
    Colon,
    Data,
    /// In a comment, or in a field that nobody wants.
    Other,
}

const LINE: State = State::Name { held: [0; 4], length: 0 };

#[derive(Debug)]
pub(super) struct Events {
    state: State,
    /// A line feed would belong to the carriage return before it.
    returned: bool,
    first_line: bool,
}

impl Default for Events {
    fn default() -> Self {
        Self { state: LINE, returned: false, first_line: true }
    }
}

impl Events {
    pub(super) fn feed(&mut self, bytes: &[u8], on: &mut impl FnMut(Piece<'_>)) {
        let mut at = 0;
        while let Some(byte) = bytes.get(at).copied() {
            if std::mem::take(&mut self.returned) && byte == b'\n' {
                at += 1;
                continue;
            }
            let rest = &bytes[at..];
            match self.state {
                State::Data | State::Other => {
                    let end = rest.iter().position(|byte| is_line_end(*byte)).unwrap_or(rest.len());
                    if self.state == State::Data && end > 0 {
                        on(Piece::Data(&rest[..end]));
                    }
                    at += end;
                    if let Some(byte) = rest.get(end) {
                        self.line_end(*byte, on);
                        at += 1;
                    }
                }
                _ if is_line_end(byte) => {
                    self.line_end(byte, on);
                    at += 1;
                }
                State::Colon => {
                    self.state = State::Data;
                    at += usize::from(byte == b' ');
                }
                State::Name { held, length } => {
                    self.name(byte, held, length);
                    at += 1;
                }
            }
        }
    }

    fn name(&mut self, byte: u8, mut held: [u8; 4], length: usize) {
        if byte == b':' {
            self.state = if length == DATA.len() && held == *DATA { State::Colon } else { State::Other };
            return;
        }
        match held.get_mut(length) {
            Some(slot) => *slot = byte,
            None => {
                self.state = State::Other;
                return;
            }
        }
        let marked = self.first_line && length == 2 && held[..3] == *BYTE_ORDER_MARK;
        self.state = if marked { LINE } else { State::Name { held, length: length + 1 } };
    }

    fn line_end(&mut self, byte: u8, on: &mut impl FnMut(Piece<'_>)) {
        match self.state {
            State::Name { length: 0, .. } => on(Piece::End),
            State::Data | State::Colon => on(Piece::Data(b"\n")),
            // A field may be a name alone; without data there is nothing to say of it.
            State::Name { .. } | State::Other => {}
        }
        self.returned = byte == b'\r';
        self.first_line = false;
        self.state = LINE;
    }
}

const fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The data of each event, as `Some`, and of the one that has not ended, last.
    fn events_of<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<String>, String) {
        let mut events = Events::default();
        let (mut ended, mut open) = (Vec::new(), Vec::new());
        for piece in pieces {
            events.feed(piece, &mut |piece| match piece {
                Piece::Data(data) => open.extend_from_slice(data),
                Piece::End => ended.push(String::from_utf8_lossy(&std::mem::take(&mut open)).into_owned()),
            });
        }
        (ended, String::from_utf8_lossy(&open).into_owned())
    }

    fn events(text: &str) -> (Vec<String>, String) {
        let whole = events_of([text.as_bytes()]);
        assert_eq!(events_of(text.as_bytes().chunks(1)), whole, "byte by byte: {text:?}");
        for at in 0..text.len() {
            let (first, second) = text.as_bytes().split_at(at);
            assert_eq!(events_of([first, second]), whole, "split at {at}: {text:?}");
        }
        whole
    }

    #[test]
    fn events_are_told_apart_whatever_ends_their_lines() {
        for end in ["\n", "\r\n", "\r"] {
            let text =
                ["event: message_start", "data: {\"a\":1}", "", ": a comment", "data:x", "id: 7", "data:  y", "", "data: open"].join(end);
            let (ended, open) = events(&text);
            assert_eq!(ended, ["{\"a\":1}\n", "x\n y\n"], "{end:?}");
            assert_eq!(open, "open");
        }
    }

    #[test]
    fn odd_streams() {
        assert_eq!(events("\u{feff}data: a\n\n").0, ["a\n"]);
        assert_eq!(events("data: a\n\u{feff}data: b\n\n").0, ["a\n"], "a mark is one at the start alone");
        assert_eq!(events("data\n\ndata:\n\ndatax: a\n\ndat: b\n\nxdata: c\n\n").0, ["", "\n", "", "", ""]);
        assert_eq!(events("\r\n\r\n\n").0, ["", "", ""]);
        assert_eq!(events(":\n:data: x\nDATA: y\n\n").0, [""]);
        assert_eq!(events("data: a\r\rdata: b\r\n\r\n").0, ["a\n", "b\n"]);
    }

    #[test]
    fn a_line_of_any_length_is_handed_on() {
        let line = format!("{}: {}\ndata: {}", "n".repeat(1 << 20), "v".repeat(1 << 20), "d".repeat(1 << 20));
        let (ended, open) = events_of(line.as_bytes().chunks(4_096));
        assert_eq!((ended.len(), open.len()), (0, 1 << 20));
    }

    proptest! {
        #[test]
        fn splitting_changes_nothing(text in "(data|event|:|\u{feff}|: |\r|\n|\r\n|x| ){0,40}", size in 1_usize..7) {
            let whole = events_of([text.as_bytes()]);
            prop_assert_eq!(events_of(text.as_bytes().chunks(size)), whole);
        }
    }
}
