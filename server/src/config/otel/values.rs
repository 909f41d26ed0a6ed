//! What single variables hold.

use std::fmt::Display;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use super::VariableProblem;
use crate::values::{Compression, Temporality};

pub(super) fn compression(text: &str) -> Result<Compression, VariableProblem> {
    Compression::parse(&text.to_ascii_lowercase()).map_err(|_| VariableProblem::OneOf("gzip or none"))
}

/// Without regard to case (specification, "Metrics Exporter — OTLP").
pub(super) fn temporality(text: &str) -> Result<Temporality, VariableProblem> {
    Temporality::parse(text).map_err(|_| VariableProblem::OneOf("cumulative, delta or lowmemory"))
}

pub(super) fn certificate(path: &str) -> Result<Arc<str>, VariableProblem> {
    let failed = |reason: &dyn Display| VariableProblem::File { path: path.to_owned(), reason: reason.to_string() };
    let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
    if text.contains("-----BEGIN CERTIFICATE-----") {
        Ok(text.into())
    } else {
        Err(VariableProblem::NoCertificate { path: path.to_owned() })
    }
}

/// The Resource SDK's format: `k=v` pairs separated by commas, values percent-encoded.
pub(super) fn resource(text: &str) -> Result<Vec<(String, String)>, VariableProblem> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (index, part) in text.split(',').enumerate() {
        let part = part.trim();
        if part.is_empty() {
            continue;
        }
        let wrong = || VariableProblem::Pair { position: index + 1 };
        let (name, value) = part.split_once('=').ok_or_else(wrong)?;
        let decode = |text: &str| percent_decode_str(text.trim()).decode_utf8().map(String::from);
        let (name, value) = (decode(name).map_err(|_| wrong())?, decode(value).map_err(|_| wrong())?);
        if name.is_empty() {
            return Err(wrong());
        }
        // The last one of a name wins.
        pairs.retain(|(other, _)| *other != name);
        pairs.push((name, value));
    }
    Ok(pairs)
}
