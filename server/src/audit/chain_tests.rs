//! No single change goes unnoticed, and what was not touched is intact.

use proptest::prelude::*;

use super::*;

const LOG: Uuid = Uuid::from_u128(7);

/// A log as it lies in the store.
#[derive(Clone, Debug)]
struct Lying {
    entries: Vec<(u64, String, Hash)>,
    head: Option<(u64, Hash)>,
}

fn written(texts: &[String]) -> Lying {
    let mut hash = Hash::before_first(LOG);
    let mut entries = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        hash = hash.next(text);
        entries.push((at as u64 + 1, text.clone(), hash));
    }
    Lying { head: entries.last().map(|(sequence, _, hash)| (*sequence, *hash)), entries }
}

fn verdict_of(log: Uuid, lying: &Lying) -> Verdict {
    let mut chain = Chain::after(log, None);
    for (sequence, text, hash) in &lying.entries {
        if !chain.follow(*sequence, Some((text, *hash))) {
            return Verdict::Broken { sequence: chain.sequence() + 1 };
        }
    }
    chain.verdict(lying.head)
}

const fn intact(entries: u64, head: Hash) -> Verdict {
    Verdict::Intact { entries, removed: 0, head }
}

#[derive(Clone, Debug)]
enum Harm {
    /// One bit of one character of a text.
    Text(usize, usize),
    /// The text, with a hash that fits it.
    Forged(usize),
    Hash(usize, usize),
    Number(usize),
    Removed(usize),
    Swapped(usize),
    SwappedWithNumbers(usize),
    /// Written once more, at the end.
    Appended(usize),
    Truncated(usize),
    HeadNumber,
    HeadHash(usize),
    HeadLost,
    OtherLog,
}

fn harm() -> impl Strategy<Value = Harm> {
    let (at, bit) = (0..64_usize, 0..256_usize);
    prop_oneof![
        (at.clone(), bit.clone()).prop_map(|(at, bit)| Harm::Text(at, bit)),
        at.clone().prop_map(Harm::Forged),
        (at.clone(), bit.clone()).prop_map(|(at, bit)| Harm::Hash(at, bit)),
        at.clone().prop_map(Harm::Number),
        at.clone().prop_map(Harm::Removed),
        at.clone().prop_map(Harm::Swapped),
        at.clone().prop_map(Harm::SwappedWithNumbers),
        at.clone().prop_map(Harm::Appended),
        at.prop_map(Harm::Truncated),
        Just(Harm::HeadNumber),
        bit.prop_map(Harm::HeadHash),
        Just(Harm::HeadLost),
        Just(Harm::OtherLog),
    ]
}

fn flip(hash: Hash, bit: usize) -> Hash {
    let mut bytes = hash.0;
    bytes[bit / 8] ^= 1 << (bit % 8);
    Hash(bytes)
}

/// Does it, and says in which log the result is to be followed.
fn done(harm: &Harm, lying: &mut Lying) -> Uuid {
    let count = lying.entries.len();
    match *harm {
        Harm::Text(at, bit) => {
            let text = &mut lying.entries[at % count].1;
            let letter = bit % text.len();
            let changed: String = text.char_indices().map(|(index, c)| if index == letter { char::from(c as u8 ^ 1) } else { c }).collect();
            *text = changed;
        }
        Harm::Forged(at) => {
            let before = if at % count == 0 { Hash::before_first(LOG) } else { lying.entries[at % count - 1].2 };
            let entry = &mut lying.entries[at % count];
            entry.1.push('x');
            entry.2 = before.next(&entry.1);
        }
        Harm::Hash(at, bit) => lying.entries[at % count].2 = flip(lying.entries[at % count].2, bit),
        Harm::Number(at) => lying.entries[at % count].0 += 1,
        Harm::Removed(at) => drop(lying.entries.remove(at % count)),
        Harm::Swapped(at) => {
            lying.entries.swap(at % (count - 1), at % (count - 1) + 1);
        }
        Harm::SwappedWithNumbers(at) => {
            let at = at % (count - 1);
            lying.entries.swap(at, at + 1);
            (lying.entries[at].0, lying.entries[at + 1].0) = (lying.entries[at + 1].0, lying.entries[at].0);
        }
        Harm::Appended(at) => {
            let (_, text, _) = lying.entries[at % count].clone();
            let hash = lying.entries[count - 1].2.next(&text);
            lying.entries.push((count as u64 + 1, text, hash));
        }
        Harm::Truncated(at) => lying.entries.truncate(at % count),
        Harm::HeadNumber => lying.head = lying.head.map(|(sequence, hash)| (sequence + 1, hash)),
        Harm::HeadHash(bit) => lying.head = lying.head.map(|(sequence, hash)| (sequence, flip(hash, bit))),
        Harm::HeadLost => lying.head = None,
        Harm::OtherLog => return Uuid::from_u128(8),
    }
    LOG
}

proptest! {
    #[test]
    fn any_single_change_is_found(texts in prop::collection::vec("[a-z{}:\"]{1,40}", 2..12), harm in harm()) {
        let lying = written(&texts);
        prop_assert_eq!(verdict_of(LOG, &lying), intact(texts.len() as u64, lying.entries.last().unwrap().2));
        let mut harmed = lying.clone();
        let log = done(&harm, &mut harmed);
        let verdict = verdict_of(log, &harmed);
        prop_assert!(matches!(verdict, Verdict::Broken { .. }), "{:?} was not found", harm);
    }
}

#[test]
fn the_first_broken_entry_is_named() {
    let texts: Vec<String> = (1..=5).map(|n| format!("entry {n}")).collect();
    let of = |harm: Harm| {
        let mut lying = written(&texts);
        let log = done(&harm, &mut lying);
        verdict_of(log, &lying)
    };
    assert_eq!(of(Harm::Text(2, 0)), Verdict::Broken { sequence: 3 });
    assert_eq!(of(Harm::Removed(1)), Verdict::Broken { sequence: 2 });
    assert_eq!(of(Harm::Truncated(3)), Verdict::Broken { sequence: 4 }, "the first that is missing");
    assert_eq!(of(Harm::Appended(0)), Verdict::Broken { sequence: 6 }, "the one too many");
    assert_eq!(of(Harm::Forged(4)), Verdict::Broken { sequence: 5 }, "the last one, with a hash that fits it");
    assert_eq!(of(Harm::HeadLost), Verdict::Broken { sequence: 1 });
}

#[test]
fn a_log_without_entries_is_intact_unless_its_head_says_otherwise() {
    let first = Hash::before_first(LOG);
    let chain = || Chain::after(LOG, None);
    assert_eq!(chain().verdict(None), intact(0, first));
    assert_eq!(chain().verdict(Some((3, first))), Verdict::Broken { sequence: 1 });
    assert!(!chain().follow(1, None), "what can't be read does not follow");
}

/// The chain is a promise to whoever noted a head: these bytes stay.
#[test]
fn the_hashes_stay_what_they_are() {
    let first = Hash::before_first(Uuid::nil());
    let by_hand = Sha256::digest([b"knoxcall audit log v1\0".as_slice(), &[0; 16]].concat());
    assert_eq!(first.to_string(), hex::encode(by_hand));
    let by_hand = Sha256::digest([by_hand.as_slice(), b"{}"].concat());
    assert_eq!(first.next("{}").to_string(), hex::encode(by_hand));
    assert_eq!(first.to_string().parse::<Hash>().unwrap(), first);
    assert!("abc".parse::<Hash>().is_err());
}

#[test]
fn a_log_that_lost_its_oldest_entries_is_followed_from_there() {
    let texts: Vec<String> = (1..=5).map(|n| format!("entry {n}")).collect();
    let Lying { entries, head } = written(&texts);
    let floor = Some((3, entries[2].2));
    let followed = |floor, from: usize, head| {
        let mut chain = Chain::after(LOG, floor);
        let whole = entries[from..].iter().all(|(sequence, text, hash)| chain.follow(*sequence, Some((text, *hash))));
        if whole { chain.verdict(head) } else { Verdict::Broken { sequence: chain.sequence() + 1 } }
    };
    assert_eq!(followed(floor, 3, head), Verdict::Intact { entries: 2, removed: 3, head: entries[4].2 });
    assert_eq!(followed(floor, 4, head), Verdict::Broken { sequence: 4 }, "one more is missing");
    assert_eq!(followed(Some((3, entries[1].2)), 3, head), Verdict::Broken { sequence: 4 }, "another hash");
    assert_eq!(followed(None, 3, head), Verdict::Broken { sequence: 1 }, "nothing says that they left");
    assert_eq!(followed(Some((5, entries[4].2)), 5, head), Verdict::Intact { entries: 0, removed: 5, head: entries[4].2 });
    assert_eq!(followed(floor, 3, None), Verdict::Broken { sequence: 1 }, "the head is lost");
}
