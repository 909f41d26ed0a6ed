//! The fuzz targets' bodies over their corpora, as they are and changed a little. `cargo fuzz` runs the same for longer; what it
//! finds becomes a file of the corpus.

#[path = "../../../fuzz/src/lib.rs"]
mod targets;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use targets::TARGETS;

/// Changed inputs for each target, the same in every run; as many others as `KNOXCALL_FUZZ_CASES` says.
const CHANGED: u32 = 4_000;

/// What matters to some parser or other.
const WORDS: [&str; 38] = [
    "=",
    ",",
    ":",
    "/",
    "//",
    "@",
    "%",
    "%2C",
    "%0d%0a",
    "%00",
    "\r\n",
    "\n\n",
    "\r",
    "\n",
    " ",
    "\t",
    "\u{a0}",
    "\u{feff}",
    "\u{0}",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "\\",
    "\\u0061",
    "..",
    "/v1/logs",
    "/v1/traces",
    "http://",
    "https://",
    "-",
    "00",
    "9007199254740993",
    "1e3",
    "data: ",
    "\"usage\":{\"input_tokens\":7}",
    "[[workspace]]\n",
];

#[derive(Clone, Debug)]
enum Change {
    Put(prop::sample::Index, &'static str),
    Byte(prop::sample::Index, u8),
    Cut(prop::sample::Index, prop::sample::Index),
    /// A part comes again elsewhere.
    Copy(prop::sample::Index, prop::sample::Index, prop::sample::Index),
    Repeat(prop::sample::Index, u8, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        4 => (at(), prop::sample::select(&WORDS[..])).prop_map(|(at, word)| Change::Put(at, word)),
        2 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        2 => (at(), at()).prop_map(|(a, b)| Change::Cut(a, b)),
        2 => (at(), at(), at()).prop_map(|(a, b, to)| Change::Copy(a, b, to)),
        1 => (at(), any::<u8>(), 1_usize..3000).prop_map(|(at, byte, times)| Change::Repeat(at, byte, times)),
    ]
}

fn changed(mut data: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let place = |at: &prop::sample::Index| at.index(data.len() + 1);
        let range = |a: &prop::sample::Index, b: &prop::sample::Index| place(a).min(place(b))..place(a).max(place(b));
        match change {
            Change::Put(at, word) => {
                let at = place(at);
                data.splice(at..at, word.bytes());
            }
            Change::Byte(at, byte) => {
                let at = place(at);
                if let Some(slot) = data.get_mut(at) {
                    *slot = *byte;
                }
            }
            Change::Cut(a, b) => drop(data.drain(range(a, b))),
            Change::Copy(a, b, to) => {
                let (part, to) = (data[range(a, b)].to_vec(), place(to));
                data.splice(to..to, part);
            }
            Change::Repeat(at, byte, times) => {
                let at = place(at);
                data.splice(at..at, std::iter::repeat_n(*byte, *times));
            }
        }
    }
    data
}

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut out: Vec<_> = files.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())).collect();
    out.sort();
    assert!(out.len() >= 10, "{target} has only {} files", out.len());
    out
}

#[test]
fn every_file_of_the_corpora_passes() {
    let mut wrong = Vec::new();
    for (target, run) in TARGETS {
        for (name, data) in corpus(target) {
            if catch_unwind(|| run(&data)).is_err() {
                wrong.push(format!("{target}/{name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "what they say is above: {wrong:?}");
}

#[test]
fn every_target_has_its_program() {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/fuzz_targets");
    let mut found: Vec<_> = fs::read_dir(programs).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    found.sort();
    let mut expected: Vec<_> = TARGETS.iter().map(|(name, _)| format!("{name}.rs")).collect();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn so_do_inputs_that_are_nearly_right() {
    let others: Option<u32> = std::env::var("KNOXCALL_FUZZ_CASES").ok().map(|cases| cases.parse().unwrap());
    for (target, run) in TARGETS {
        let seeds: Vec<Vec<u8>> = corpus(target).into_iter().map(|(_, data)| data).filter(|data| data.len() < 10_000).collect();
        let inputs = (prop::sample::select(seeds), prop::collection::vec(change(), 1..6));
        let config = Config { cases: others.unwrap_or(CHANGED), failure_persistence: None, ..Config::default() };
        let mut runner = match others {
            Some(_) => TestRunner::new(config),
            None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
        };
        let outcome = runner.run(&inputs, |(seed, changes)| {
            let data = changed(seed, &changes);
            let passed = catch_unwind(AssertUnwindSafe(|| run(&data)));
            prop_assert!(passed.is_ok(), "{}", data.escape_ascii());
            Ok(())
        });
        outcome.unwrap_or_else(|error| panic!("{target}: {error}"));
    }
}
