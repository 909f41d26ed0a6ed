//! What is looked for in a JSON object, and what is found there.

/// A member to look for.
#[derive(Debug)]
pub(super) struct Node<F: 'static> {
    pub(super) key: &'static str,
    /// Reported when its value is met; a container is reported as it opens, as is a text beside [`Inside::Items`].
    pub(super) field: Option<F>,
    /// What to look for inside its value.
    pub(super) inside: Inside<F>,
}

#[derive(Debug)]
pub(super) enum Inside<F: 'static> {
    Nothing,
    Object(&'static [Node<F>]),
    /// In every object of an array.
    Each(&'static [Node<F>]),
    /// Nothing but how many texts, arrays and objects an array holds: each is reported as it opens, none is read.
    Items(F),
}

impl<F> Node<F> {
    pub(super) const fn take(key: &'static str, field: F) -> Self {
        Self { key, field: Some(field), inside: Inside::Nothing }
    }

    pub(super) const fn object(key: &'static str, nodes: &'static [Self]) -> Self
    where
        F: Copy,
    {
        Self { key, field: None, inside: Inside::Object(nodes) }
    }

    pub(super) const fn each(key: &'static str, nodes: &'static [Self]) -> Self
    where
        F: Copy,
    {
        Self { key, field: None, inside: Inside::Each(nodes) }
    }
}

/// A wanted value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// An object, an array, a text that is longer than [`MAX_TEXT`](super::json::MAX_TEXT) or that is no text, or something that is not JSON.
    Other,
    /// The member's name is written in a way that some servers know and others do not. Its value is not read.
    Misspelled,
}

impl Value {
    /// A count: a whole number that is not negative.
    pub(super) fn count(&self) -> Option<u64> {
        match self {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked: whole, and within 2^53")]
            Self::Number(number) if number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(number) => Some(*number as u64),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The text that is written so; `None` where it is none.
pub(super) fn decoded(raw: &[u8]) -> Option<String> {
    if !raw.contains(&b'\\') && !raw.iter().any(|byte| *byte < 0x20) {
        return std::str::from_utf8(raw).ok().map(str::to_owned);
    }
    let quoted = [b"\"", raw, b"\""].concat();
    serde_json::from_slice(&quoted).ok()
}

/// A number or literal.
pub(super) fn literal(raw: &[u8]) -> Value {
    match raw {
        b"null" => Value::Null,
        b"true" => Value::Bool(true),
        b"false" => Value::Bool(false),
        // The one knows JSON's grammar, the other reads to the last bit.
        _ => match (serde_json::from_slice::<f64>(raw), std::str::from_utf8(raw).map(str::parse)) {
            (Ok(_), Ok(Ok(number))) => Value::Number(number),
            _ => Value::Other,
        },
    }
}
