//! Words and counts of the overviews.

use crate::contract::{AgentRow, ExportState, ExportStatus, WebhookRow, WebhookState};
use crate::ui::{counted, thousands};

/// How many there are: "1 route", "2 routes".
pub fn listed<T>(rows: &[T], one: &str, many: &str) -> String {
    counted(u64::try_from(rows.len()).unwrap_or(u64::MAX), one, many)
}

/// One line about where telemetry goes.
pub fn export_line(endpoint: &str, status: &ExportStatus) -> String {
    match status.state {
        ExportState::Off => "Not configured".to_owned(),
        ExportState::Paused(_) => format!("Paused. Nothing is sent to {endpoint}"),
        ExportState::Broken { .. } => "The stored settings can't be read. Save them again".to_owned(),
        ExportState::Failing { .. } => format!("Can't deliver to {endpoint}. {} waiting", thousands(status.counts.queued)),
        ExportState::Active | ExportState::Managed => {
            format!("{} delivered to {endpoint}", counted(status.counts.delivered, "span or record", "spans and records"))
        }
    }
}

/// "2 webhooks, 1 in trouble. 9 of 10 deliveries of the last day arrived".
pub fn webhooks_line(webhooks: &[WebhookRow]) -> String {
    let troubled = webhooks.iter().filter(|row| !matches!(row.state, WebhookState::Active | WebhookState::Disabled)).count();
    let delivered: u64 = webhooks.iter().map(|row| row.delivered).sum();
    let ended = delivered + webhooks.iter().map(|row| row.failed).sum::<u64>();
    let mut line = listed(webhooks, "webhook", "webhooks");
    if troubled > 0 {
        line += &format!(", {} in trouble", thousands(u64::try_from(troubled).unwrap_or(u64::MAX)));
    }
    if ended > 0 {
        line += &format!(". {} of {} of the last day arrived", thousands(delivered), counted(ended, "delivery", "deliveries"));
    }
    line
}

/// "2 AI agents, 1 disabled".
pub fn agents_line(agents: &[AgentRow]) -> String {
    let count = |word: &str, of: usize| if of == 0 { String::new() } else { format!(", {of} {word}") };
    let broken = agents.iter().filter(|row| row.broken).count();
    let disabled = agents.iter().filter(|row| !row.enabled && !row.broken).count();
    listed(agents, "AI agent", "AI agents") + &count("disabled", disabled) + &count("unreadable", broken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn one_is_said_otherwise_than_many() {
        let delivered = |delivered| {
            let counts = crate::contract::ExportCounts { delivered, ..Default::default() };
            export_line("http://a.example", &ExportStatus { state: ExportState::Active, counts, ..ExportStatus::off() })
        };
        assert_eq!(delivered(1), "1 span or record delivered to http://a.example");
        assert_eq!(delivered(1_204), "1,204 spans and records delivered to http://a.example");
    }

    #[test]
    fn webhooks_and_agents_in_one_line_each() {
        let webhook = |state, delivered, failed| WebhookRow {
            id: Uuid::nil(),
            name: "w".into(),
            url: "http://127.0.0.1:1".into(),
            state,
            event_types: Vec::new(),
            delivered,
            failed,
            waiting: 0,
        };
        assert_eq!(webhooks_line(&[]), "0 webhooks");
        assert_eq!(webhooks_line(&[webhook(WebhookState::Disabled, 0, 0)]), "1 webhook");
        assert_eq!(webhooks_line(&[webhook(WebhookState::Active, 0, 1)]), "1 webhook. 0 of 1 delivery of the last day arrived");
        let two = [webhook(WebhookState::Active, 1_000, 0), webhook(WebhookState::Failing { since: 0 }, 3, 7)];
        assert_eq!(webhooks_line(&two), "2 webhooks, 1 in trouble. 1,003 of 1,010 deliveries of the last day arrived");
        let agent = |enabled, broken| AgentRow {
            id: Uuid::nil(),
            slug: "a".into(),
            provider: crate::contract::values::Provider::OpenAi,
            base_url: String::new(),
            models: Vec::new(),
            enabled,
            broken,
        };
        assert_eq!(agents_line(&[agent(true, false)]), "1 AI agent");
        assert_eq!(agents_line(&[agent(true, true), agent(false, false)]), "2 AI agents, 1 disabled, 1 unreadable");
    }
}
