//! Protobuf's wire format, as much of it as spans and log records need. Everything is appended to one buffer.

use std::fmt::{Display, Write as _};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{SystemTime, UNIX_EPOCH};

/// Attributes of one record, written as they are told. Which ones there are is up to the caller; none may be told twice.
pub struct Attributes<'a> {
    out: &'a mut Vec<u8>,
    /// The field of the record that holds them.
    field: u32,
}

impl<'a> Attributes<'a> {
    pub(super) const fn new(out: &'a mut Vec<u8>, field: u32) -> Self {
        Self { out, field }
    }

    pub fn text(&mut self, key: &str, value: &str) {
        // Its lengths are known, so nothing is moved.
        let inner = 1 + varint_len(value.len()) + value.len();
        let whole = 1 + varint_len(key.len()) + key.len() + 1 + varint_len(inner) + inner;
        tag(self.out, self.field, 2);
        varint(self.out, whole as u64);
        bytes(self.out, 1, key.as_bytes());
        tag(self.out, 2, 2);
        varint(self.out, inner as u64);
        bytes(self.out, 1, value.as_bytes());
    }

    pub fn flag(&mut self, key: &str, value: bool) {
        self.value(key, |out| {
            tag(out, 2, 0);
            out.push(value.into());
        });
    }

    pub fn integer(&mut self, key: &str, value: impl Into<i64>) {
        let value = value.into();
        self.value(key, |out| {
            tag(out, 3, 0);
            varint(out, u64::from_ne_bytes(value.to_ne_bytes()));
        });
    }

    pub fn double(&mut self, key: &str, value: f64) {
        self.value(key, |out| {
            tag(out, 4, 1);
            out.extend_from_slice(&value.to_le_bytes());
        });
    }

    /// A text that is made as it is written.
    pub fn shown(&mut self, key: &str, value: impl Display) {
        self.value(key, |out| {
            nested(out, 1, |out| {
                // Writing into memory does not fail.
                let _ = write!(Text(out), "{value}");
            });
        });
    }

    /// In its usual form. Of IPv4, as most are, without the detour of `fmt`.
    pub fn address(&mut self, key: &str, address: IpAddr) {
        match address {
            IpAddr::V4(address) => self.value(key, |out| nested(out, 1, |out| dotted(out, address))),
            IpAddr::V6(address) => self.shown(key, address),
        }
    }

    pub fn texts<'t>(&mut self, key: &str, values: impl IntoIterator<Item = &'t str>) {
        self.value(key, |out| {
            nested(out, 5, |out| values.into_iter().for_each(|value| nested(out, 1, |out| bytes(out, 1, value.as_bytes()))));
        });
    }

    /// What `tell` tells, which is the same whenever the same is `kept`: the first time it is put there as it was written, and copied
    /// from there the next times. Only from records of the same signal.
    pub fn shared(&mut self, kept: Option<&mut Option<Box<[u8]>>>, tell: impl FnOnce(&mut Self)) {
        match kept {
            Some(Some(written)) => self.out.extend_from_slice(written),
            Some(first) => {
                let from = self.out.len();
                tell(self);
                *first = Some(Box::from(&self.out[from..]));
            }
            None => tell(self),
        }
    }

    fn value(&mut self, key: &str, value: impl FnOnce(&mut Vec<u8>)) {
        nested(self.out, self.field, |out| {
            bytes(out, 1, key.as_bytes());
            nested(out, 2, value);
        });
    }
}

fn dotted(out: &mut Vec<u8>, address: Ipv4Addr) {
    for (n, octet) in address.octets().into_iter().enumerate() {
        if n > 0 {
            out.push(b'.');
        }
        if octet >= 100 {
            out.push(b'0' + octet / 100);
        }
        if octet >= 10 {
            out.push(b'0' + octet / 10 % 10);
        }
        out.push(b'0' + octet % 10);
    }
}

struct Text<'a>(&'a mut Vec<u8>);

impl std::fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

pub(super) fn nanos(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

pub(super) fn tag(out: &mut Vec<u8>, field: u32, wire: u64) {
    varint(out, u64::from(field) << 3 | wire);
}

pub(super) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(0x80 | (value & 0x7f) as u8);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) const fn varint_len(value: usize) -> usize {
    match value {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        0x20_0000..0x1000_0000 => 4,
        _ => 5,
    }
}

pub(super) fn number(out: &mut Vec<u8>, field: u32, value: u64) {
    if value != 0 {
        tag(out, field, 0);
        varint(out, value);
    }
}

pub(super) fn fixed64(out: &mut Vec<u8>, field: u32, value: u64) {
    if value != 0 {
        tag(out, field, 1);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

pub(super) fn fixed32(out: &mut Vec<u8>, field: u32, value: u32) {
    if value != 0 {
        tag(out, field, 5);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

pub(super) fn text(out: &mut Vec<u8>, field: u32, value: &str) {
    if !value.is_empty() {
        bytes(out, field, value.as_bytes());
    }
}

pub(super) fn bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    tag(out, field, 2);
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// A message within, short as most are: its length goes before it and is taken to need one byte.
pub(super) fn nested(out: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    message(out, field, 1, write);
}

/// A message within whose length will likely need this many bytes; where it needs others, what follows is moved.
pub(super) fn message(out: &mut Vec<u8>, field: u32, likely: usize, write: impl FnOnce(&mut Vec<u8>)) {
    tag(out, field, 2);
    let at = out.len();
    out.resize(at + likely, 0);
    write(out);
    let length = out.len() - at - likely;
    if varint_len(length) == likely {
        let mut rest = length;
        for (n, byte) in out[at..at + likely].iter_mut().enumerate() {
            *byte = (rest & 0x7f) as u8 | if n + 1 < likely { 0x80 } else { 0 };
            rest >>= 7;
        }
        return;
    }
    let mut prefix = Vec::new();
    varint(&mut prefix, length as u64);
    out.splice(at..at + likely, prefix);
}
