//! The audit logs: a page of entries, whether the chain of hashes is whole, and the log as a file.

use std::io;

use app::contract::{ApiError, Audit, AuditActor, AuditChange, AuditFilter, AuditPage, AuditRow, AuditVerdict, Field, Rule};
use async_trait::async_trait;
use futures::stream::{self, Stream};
use time::OffsetDateTime;

use super::{Backend, Bound};
use crate::audit::{self, Actor, Filter, Format, Verdict, Written};
use crate::auth::Visitor;
use crate::settings::LogReader;

const PER_PAGE: usize = 50;

#[async_trait]
impl Audit for Bound {
    async fn audit(&self, workspace: &str, filter: AuditFilter, before: Option<u64>) -> Result<AuditPage, ApiError> {
        let reader = reader(&self.visitor, workspace)?;
        let found = self.settings().audit_page(&reader, parsed(filter)?, before, PER_PAGE).await?;
        Ok(AuditPage { rows: found.entries.into_iter().map(row).collect(), next: found.next, actions: found.actions })
    }

    async fn verify_audit(&self, workspace: &str) -> Result<AuditVerdict, ApiError> {
        let reader = reader(&self.visitor, workspace)?;
        Ok(match self.settings().verify_audit(&reader).await? {
            Verdict::Intact { entries, removed, head } => AuditVerdict::Intact { entries, removed, head: head.to_string() },
            Verdict::Broken { sequence } => AuditVerdict::Broken { sequence },
        })
    }
}

impl Backend {
    /// The log as a file, oldest first and piece by piece, for whoever may see its page. It ends where the log ended when
    /// it was asked for.
    ///
    /// # Errors
    /// As the page's. What fails later breaks the file off.
    pub fn audit_file(
        &self,
        visitor: &Visitor,
        workspace: &str,
        filter: AuditFilter,
        format: Format,
    ) -> Result<impl Stream<Item = Result<String, io::Error>> + Send + use<>, ApiError> {
        let reader = reader(visitor, workspace)?;
        let filter = parsed(filter)?;
        let settings = self.0.settings.clone();
        let end = settings.audit_end(&reader)?;
        Ok(stream::try_unfold(None, move |at: Option<u64>| {
            let (settings, reader, filter) = (settings.clone(), reader.clone(), filter.clone());
            async move {
                let Some(after) = at else { return Ok(Some((format.begin(), Some(0)))) };
                let found = settings.audit_after(&reader, filter, after, end).await.map_err(io::Error::other)?;
                Ok(found.map(|(entries, last)| (entries.iter().map(|written| format.line(written)).collect(), Some(last))))
            }
        }))
    }
}

/// The right to look: the operator's at the Global log, a member's at the workspace's.
fn reader(visitor: &Visitor, workspace: &str) -> Result<LogReader, ApiError> {
    if workspace.is_empty() {
        Ok(LogReader::Operator(visitor.operator()?))
    } else {
        Ok(LogReader::Workspace(visitor.member_of(workspace)?.1))
    }
}

fn parsed(filter: AuditFilter) -> Result<Filter, ApiError> {
    let day = |text: &str| match text.trim() {
        "" => Ok(None),
        text => audit::day(text).map(Some).ok_or(ApiError::Invalid { field: Field::Date, rule: Rule::Date }),
    };
    Ok(Filter {
        from: day(&filter.from)?,
        // That day included.
        before: day(&filter.to)?.and_then(|to| to.checked_add(time::Duration::DAY)),
        actor: filter.actor,
        action: filter.action,
        resource: filter.resource,
    })
}

fn row(Written { entry, hash, .. }: Written) -> AuditRow {
    AuditRow {
        sequence: entry.sequence,
        at: millis(entry.at),
        actor: match entry.actor {
            Actor::User { email, .. } => AuditActor::User(email.into()),
            Actor::Bootstrap => AuditActor::Bootstrap,
            Actor::System => AuditActor::System,
        },
        action: entry.action.name().to_owned(),
        resource_kind: entry.resource.kind.into_owned(),
        resource: entry.resource.handle,
        changes: entry
            .changes
            .into_iter()
            .map(|change| AuditChange {
                field: change.field.into_owned(),
                values: change.values.map(|values| (values.before, values.after)),
            })
            .collect(),
        address: entry.address.map(|address| address.to_string()),
        hash: hash.to_string(),
    }
}

fn millis(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}
