//! One file of a log: what is known of it, and the few ways in which it is written.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::count::Count;
use super::record::{HEAD, Head};

/// Names of files that are to become one.
const DRAFT: &str = "new";
/// Names of segment files end like this.
pub const EXTENSION: &str = "seg";

#[derive(Debug)]
pub struct Segment {
    pub number: u64,
    pub bytes: usize,
    pub waiting: Count,
    /// What waits in it, once somebody reads it.
    pub entries: Option<VecDeque<Entry>>,
    /// Nothing more may be written to it: its end is not known to be whole.
    pub sealed: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub at: u64,
    pub head: Head,
}

/// The file of this number.
#[must_use]
pub fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:020}.{EXTENSION}"))
}

/// Removes what a rewriting that was cut short left.
pub fn remove_drafts(folder: &Path) {
    for file in fs::read_dir(folder).into_iter().flatten().flatten() {
        if file.path().extension().is_some_and(|extension| extension == DRAFT) {
            let _ = fs::remove_file(file.path());
        }
    }
}

/// Makes an empty file, and the folders it lies in.
pub fn create(folder: &Path, number: u64) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path(folder, number)).map(drop)
}

/// The number in a segment file's name.
#[must_use]
pub fn number_of(path: &Path) -> Option<u64> {
    (path.extension()? == EXTENSION).then(|| path.file_stem()?.to_str()?.parse().ok()).flatten()
}

/// The numbers of a folder's segments, in order. One that can't be opened, because too many files are open or it is somebody else's, is not
/// damaged: whoever asks again may find it.
pub fn openable(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = match fs::read_dir(folder) {
        Ok(files) => files.filter_map(|file| number_of(&file.ok()?.path())).collect::<Vec<_>>(),
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    numbers.sort_unstable();
    for number in &numbers {
        match File::open(path(folder, *number)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(numbers)
}

/// Writes a record where the segment ends.
pub fn write_at_end(path: &Path, end: usize, record: &[u8]) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.write_all_at(record, end as u64)
}

/// Takes off what was written behind a segment's end.
pub fn cut(path: &Path, length: usize) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.set_len(length as u64)
}

/// Writes a segment anew with only these records; answers with its length.
pub fn rewrite(path: &Path, bytes: &[u8], entries: &VecDeque<Entry>) -> io::Result<usize> {
    let kept: Vec<u8> = entries
        .iter()
        .filter_map(|entry| {
            let at = usize::try_from(entry.at).ok()?;
            bytes.get(at..at + HEAD + entry.head.length)
        })
        .flatten()
        .copied()
        .collect();
    let draft = path.with_extension(DRAFT);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    let written = file.write_all(&kept).and_then(|()| file.sync_data()).and_then(|()| fs::rename(&draft, path));
    if let Err(error) = written {
        let _ = fs::remove_file(&draft);
        return Err(error);
    }
    Ok(kept.len())
}
