//! Checks the text of flags and variables and collects what is wrong.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;

use super::{ConfigError, LogFormat};
use crate::egress::hold_all_public;
use crate::values::Endpoint;

const HOUR: Duration = Duration::from_secs(3600);

pub(super) struct Checker<'a> {
    pub(super) errors: &'a mut Vec<ConfigError>,
}

/// Set but empty counts as unset.
pub(super) fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

impl Checker<'_> {
    fn wrong(&mut self, setting: &'static str, rule: &'static str) {
        self.errors.push(ConfigError::Setting { setting, rule });
    }

    pub(super) fn address(&mut self, setting: &'static str, text: Option<&str>, default_port: u16) -> SocketAddr {
        let default = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), default_port);
        given(text).map_or(default, |text| {
            text.parse().unwrap_or_else(|_| {
                self.wrong(setting, "write an IP address and a port from 0 to 65535, such as 127.0.0.1:3000 or [::]:3000");
                default
            })
        })
    }

    pub(super) fn networks(&mut self, setting: &'static str, texts: &[String]) -> Vec<IpNet> {
        let mut networks = Vec::new();
        for text in texts.iter().filter_map(|text| given(Some(text))) {
            match text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)) {
                Ok(network) => networks.push(network),
                Err(_) => self.wrong(setting, "write networks as address/length, such as 10.0.0.0/8 or fd00::/8, separated by commas"),
            }
        }
        networks
    }

    /// As [`Checker::networks`], but for all of the public internet, in one network or in several: whoever is believed chooses their own
    /// address.
    pub(super) fn peers(&mut self, setting: &'static str, texts: &[String]) -> Vec<IpNet> {
        let peers = self.networks(setting, texts);
        if hold_all_public(&peers) {
            self.wrong(
                setting,
                "name the addresses that the proxies have: together these hold all public addresses of IPv4 or of IPv6, so that callers choose their own address",
            );
        }
        peers
    }

    pub(super) fn duration(&mut self, setting: &'static str, text: Option<&str>, default: &str) -> Duration {
        let text = given(text).unwrap_or(default);
        duration(text).filter(|time| *time <= HOUR).unwrap_or_else(|| {
            self.wrong(setting, "write a time from 0s to 1h with its unit, such as 500ms, 10s or 2m");
            Duration::default()
        })
    }

    pub(super) fn days(&mut self, setting: &'static str, text: Option<&str>) -> Option<Duration> {
        let days = given(text)?.parse().ok().filter(|days| (1..=36_500).contains(days));
        if days.is_none() {
            self.wrong(setting, "write a whole number of days from 1 to 36500");
        }
        days.map(|days: u32| 24 * HOUR * days)
    }

    pub(super) fn count(&mut self, setting: &'static str, text: Option<&str>, default: usize) -> usize {
        let Some(text) = given(text) else { return default };
        text.parse().ok().filter(|count| (1..=1_000_000).contains(count)).unwrap_or_else(|| {
            self.wrong(setting, "write a whole number from 1 to 1000000");
            default
        })
    }

    pub(super) fn long_duration(&mut self, setting: &'static str, text: Option<&str>, default: &str) -> Duration {
        let text = given(text).unwrap_or(default);
        duration(text).filter(|time| *time >= Duration::from_secs(1) && *time <= 30 * 24 * HOUR).unwrap_or_else(|| {
            self.wrong(setting, "write a time from 1s to 720h with its unit, such as 30m or 24h");
            Duration::default()
        })
    }

    pub(super) fn bytes(&mut self, setting: &'static str, text: Option<&str>, default: &str) -> usize {
        let text = given(text).unwrap_or(default);
        bytes(text).unwrap_or_else(|| {
            self.wrong(setting, "write a size with its unit, such as 64MiB or 4GiB, or 0");
            0
        })
    }

    pub(super) fn origin(&mut self, setting: &'static str, text: Option<&str>) -> Option<Endpoint> {
        let text = given(text)?;
        match Endpoint::parse_exact(text) {
            Ok(url) if url.path().is_empty() => Some(url),
            _ => {
                self.wrong(setting, "write http:// or https:// and a host, with a port if it is not the usual one, and no path");
                None
            }
        }
    }

    pub(super) fn log_format(&mut self, setting: &'static str, text: Option<&str>) -> LogFormat {
        match given(text) {
            None | Some("text") => LogFormat::Text,
            Some("json") => LogFormat::Json,
            Some(_) => {
                self.wrong(setting, "use text or json");
                LogFormat::Text
            }
        }
    }
}

fn bytes(text: &str) -> Option<usize> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: usize = number.parse().ok()?;
    let factor = match unit.trim() {
        "" if number == 0 => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    number.checked_mul(factor)
}

fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let millis = match unit.trim() {
        "ms" => number,
        // A bare number is seconds.
        "s" | "" => number.checked_mul(1000)?,
        "m" => number.checked_mul(60_000)?,
        "h" => number.checked_mul(3_600_000)?,
        _ => return None,
    };
    Some(Duration::from_millis(millis))
}
