//! What of a bootstrap file no connection is ever made to. It is saved all the same: one address must not keep the process, and
//! everybody else's routes, from starting, and whoever uses it is refused with a clear answer. Says it; changes nothing.

use crate::config::bootstrap::{Bootstrap, Export};
use crate::egress::Scope as Reach;
use crate::settings::Settings;
use crate::values::{Endpoint, Field};

/// A sentence for each such address: where it stands in the file, the rule, and what to do.
pub fn blocked(settings: &Settings, file: &Bootstrap) -> Vec<String> {
    let mut found = Found { settings, lines: Vec::new() };
    if let Some(endpoint) = file.otlp.as_ref().and_then(endpoint) {
        found.judge(Reach::Operator, "otlp", Field::Endpoint, endpoint);
    }
    // The browser's DSN is left to the browser: this process never connects there.
    if let Some(dsn) = file.sentry.as_ref().and_then(|sentry| sentry.dsn_server.as_ref()?.as_ref()) {
        found.judge(Reach::Operator, "sentry", Field::SentryDsnServer, dsn.base());
    }
    for workspace in &file.workspaces {
        let place = format!("workspace {}", workspace.slug);
        if let Some(endpoint) = workspace.telemetry.as_ref().and_then(endpoint) {
            found.judge(Reach::Tenant, &format!("{place}, telemetry"), Field::Endpoint, endpoint);
        }
        for route in &workspace.routes {
            for environment in &route.environments {
                let place = format!("{place}, route {}, environment {}", route.slug, environment.name);
                found.judge(Reach::Tenant, &place, Field::TargetBaseUrl, &environment.target_base_url);
            }
        }
        for webhook in &workspace.webhooks {
            found.judge(Reach::Tenant, &format!("{place}, webhook {}", webhook.name), Field::WebhookUrl, webhook.url.origin());
        }
        for agent in &workspace.agents {
            if let Some(base_url) = &agent.base_url {
                found.judge(Reach::Tenant, &format!("{place}, AI agent {}", agent.slug), Field::BaseUrl, base_url);
            }
        }
    }
    found.lines
}

fn endpoint(export: &Export) -> Option<&Endpoint> {
    export.endpoint.as_ref()?.as_ref()
}

struct Found<'a> {
    settings: &'a Settings,
    lines: Vec<String>,
}

impl Found<'_> {
    fn judge(&mut self, reach: Reach, place: &str, field: Field, endpoint: &Endpoint) {
        if let Err(error) = self.settings.judge_egress(reach, field, endpoint) {
            self.lines.push(format!("bootstrap file, {place}: {error} It is saved, and every connection there is refused."));
        }
    }
}
