//! How telemetry is sent: compression, temporality and timeout, as the forms and the environment name them.

use serde::{Deserialize, Serialize};

use crate::contract::Rule;

/// Of request bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    None,
    #[default]
    Gzip,
}

impl Compression {
    pub const ALL: [Self; 2] = [Self::Gzip, Self::None];

    /// As `OTEL_EXPORTER_OTLP_COMPRESSION` names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
        }
    }

    /// # Errors
    /// [`Rule::Unknown`]
    pub fn parse(text: &str) -> Result<Self, Rule> {
        Self::ALL.into_iter().find(|one| one.name() == text).ok_or(Rule::Unknown)
    }
}

/// Of metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Temporality {
    #[default]
    Cumulative,
    Delta,
    /// Delta for counters and histograms, cumulative for up-down counters.
    LowMemory,
}

impl Temporality {
    pub const ALL: [Self; 3] = [Self::Cumulative, Self::Delta, Self::LowMemory];

    /// As `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cumulative => "cumulative",
            Self::Delta => "delta",
            Self::LowMemory => "lowmemory",
        }
    }

    /// Without regard to case, as the specification says of the variable.
    ///
    /// # Errors
    /// [`Rule::Unknown`]
    pub fn parse(text: &str) -> Result<Self, Rule> {
        Self::ALL.into_iter().find(|one| one.name().eq_ignore_ascii_case(text)).ok_or(Rule::Unknown)
    }
}

/// The longest time one export request may be given, in seconds.
pub const MAX_EXPORT_TIMEOUT_S: u32 = 60;

/// Whole seconds that one export request may take; blank is the default.
///
/// # Errors
/// [`Rule::NumberRange`]
pub fn parse_export_timeout(text: &str) -> Result<Option<u32>, Rule> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = Rule::NumberRange { min: 1, max: u64::from(MAX_EXPORT_TIMEOUT_S) };
    match text.parse() {
        Ok(seconds @ 1..=MAX_EXPORT_TIMEOUT_S) => Ok(Some(seconds)),
        _ => Err(wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for one in Compression::ALL {
            assert_eq!(Compression::parse(one.name()), Ok(one));
        }
        for one in Temporality::ALL {
            assert_eq!(Temporality::parse(&one.name().to_uppercase()), Ok(one));
        }
        assert_eq!(Compression::parse("zstd"), Err(Rule::Unknown));
        assert_eq!(Temporality::parse(""), Err(Rule::Unknown));
    }

    #[test]
    fn a_timeout_is_whole_seconds() {
        assert_eq!(parse_export_timeout(" "), Ok(None));
        assert_eq!(parse_export_timeout(" 30 "), Ok(Some(30)));
        for wrong in ["0", "61", "-1", "1.5", "ten"] {
            assert_eq!(parse_export_timeout(wrong), Err(Rule::NumberRange { min: 1, max: 60 }), "{wrong}");
        }
    }
}
