//! `knoxcall audit …`: checks and writes out the audit logs of a data folder while the server is stopped. Logs of
//! workspaces that were deleted are there too, and whoever holds the folder may read them.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use uuid::Uuid;

use crate::audit::{Filter, Format, Log, Verdict};
use crate::config::AuditCommand;
use crate::store::{OpenError, Store};
use crate::values::{Slug, TenantId};

/// How the Global log is called on the command line.
const GLOBAL: &str = "global";

/// Returns whether every log is intact.
///
/// # Errors
/// The folder holds no database, the server is running, or something can't be read or written.
pub fn run(command: &AuditCommand, data_dir: &Path, out: &mut impl Write) -> Result<bool> {
    let store = open(data_dir)?;
    match command {
        AuditCommand::Verify => verify(&store, out),
        AuditCommand::Export { log, format } => {
            let format = Format::parse(format).context("--format is csv or jsonl")?;
            export(&store, find(&store, log)?, format, out)?;
            Ok(true)
        }
    }
}

fn open(data_dir: &Path) -> Result<Store> {
    // Opening makes a database where there is none, and a mistyped folder would have intact logs.
    if !data_dir.join("conf").exists() {
        bail!("there is no database in {}; name the data folder with --data-dir", data_dir.display());
    }
    Store::open(data_dir).map_err(|error| match error {
        OpenError::InUse { .. } => {
            anyhow::anyhow!("{error}. While KnoxCall runs, use Verify on the console's audit log pages; for this command stop it first")
        }
        error => error.into(),
    })
}

/// One line per log: which, how many entries, and the head or the place where it is broken.
fn verify(store: &Store, out: &mut impl Write) -> Result<bool> {
    let mut ids = store.audit().logs()?;
    ids.insert(Log::Global.id());
    let mut intact = true;
    for id in ids {
        let (log, name) = (Log::of(id), name(store, id)?);
        match store.audit().verify(log)? {
            Verdict::Intact { entries, removed: 0, head } => writeln!(out, "{name}: intact, {entries} entries, head {head}")?,
            Verdict::Intact { entries, removed, head } => {
                writeln!(
                    out,
                    "{name}: intact, {entries} entries, head {head}; entries up to {removed} were removed when their time was over"
                )?;
            }
            Verdict::Broken { sequence } => {
                intact = false;
                writeln!(out, "{name}: BROKEN at entry {sequence}")?;
            }
        }
    }
    Ok(intact)
}

fn export(store: &Store, log: Log, format: Format, out: &mut impl Write) -> Result<()> {
    let end = store.audit().head(log)?.map_or(0, |head| head.sequence);
    out.write_all(format.begin().as_bytes())?;
    let mut at = 0;
    while let Some((entries, last)) = store.audit().after(log, &Filter::default(), at, end)? {
        for written in &entries {
            out.write_all(format.line(written).as_bytes())?;
        }
        at = last;
    }
    Ok(out.flush()?)
}

fn name(store: &Store, id: Uuid) -> Result<String> {
    Ok(match Log::of(id) {
        Log::Global => "Global".to_owned(),
        Log::Workspace(workspace) => match store.workspaces().get(workspace)? {
            Some(found) => format!("workspace {} ({id})", found.slug),
            None => format!("deleted workspace {id}"),
        },
    })
}

/// By `global`, a workspace's slug, or its id.
fn find(store: &Store, wanted: &str) -> Result<Log> {
    if wanted == GLOBAL {
        return Ok(Log::Global);
    }
    if let Some(found) = Slug::parse(wanted).ok().map(|slug| store.workspaces().by_slug(&slug)).transpose()?.flatten() {
        return Ok(Log::Workspace(found.id));
    }
    match Uuid::try_parse(wanted) {
        Ok(id) if store.audit().logs()?.contains(&id) => Ok(Log::Workspace(TenantId(id))),
        _ => bail!("there is no audit log of {wanted}; name `global`, a workspace's slug or, of a deleted one, its id"),
    }
}
