//! Whether the disk does what is asked of it for one signal of a destination: told once when it stops and once when it works again.

use std::io;
use std::sync::Arc;

use crate::telemetry::status::{DiskProblem, Ledger};
use crate::values::Signal;

/// What is done with a disk. One may work while another does not, and says nothing of it.
#[derive(Clone, Copy)]
pub enum Doing {
    Reading,
    Writing,
    Syncing,
    Adopting,
}

pub struct Disk {
    signal: Signal,
    ledger: Arc<Ledger>,
    /// What does not work at the moment.
    failing: [bool; 4],
}

impl Disk {
    pub const fn new(signal: Signal, ledger: Arc<Ledger>) -> Self {
        Self { signal, ledger, failing: [false; 4] }
    }

    pub fn failed(&mut self, doing: Doing, error: &io::Error) {
        self.failing[doing as usize] = true;
        if self.ledger.disk_problem(self.signal, Some(problem(error))) {
            let signal = self.signal.name();
            match doing {
                Doing::Reading | Doing::Adopting => {
                    tracing::error!(signal, %error, "what waits on disk can't be read; it stays there, and is tried again");
                }
                Doing::Writing | Doing::Syncing => {
                    tracing::error!(signal, %error, "what can't be sent can't be kept on disk; it stays in memory as far as there is room");
                }
            }
        }
    }

    pub fn worked(&mut self, doing: Doing) {
        self.failing[doing as usize] = false;
        if !self.failing.contains(&true) && self.ledger.disk_problem(self.signal, None) {
            tracing::info!(signal = self.signal.name(), "what can't be sent is kept on disk again");
        }
    }

    /// Nothing waits and nothing has to: whatever did not work before, nobody is kept from anything by it.
    pub fn at_rest(&mut self) {
        for doing in [Doing::Reading, Doing::Writing, Doing::Syncing] {
            if self.failing[doing as usize] {
                self.worked(doing);
            }
        }
    }
}

fn problem(error: &io::Error) -> DiskProblem {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => DiskProblem::Full,
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => DiskProblem::ReadOnly,
        // EMFILE and ENFILE, which have no kind of their own.
        _ if matches!(error.raw_os_error(), Some(23 | 24)) => DiskProblem::NoFiles,
        _ => DiskProblem::Other,
    }
}
