//! An entry as an item of the table.
//!
//! What is read was written by another version, or by anybody who may write to the table: all of it
//! is checked.

use std::collections::HashMap;
use std::str::FromStr;

use crate::input::accepted::AcceptedWays;
use crate::queue::state::{
    Entry, EntryId, EntryOutcome, Lease, QueueName, Span, State, StoredFile, Tolerance, Use,
};
use aws_sdk_dynamodb::types::AttributeValue;
use tripline::text::{clean, excerpt};
use tripline::time::Timestamp;
use tripline_guard::kept::ALERT_ONLY;

/// The table's partition key, the queue's name, and its sort key, the entry's name or [`HEAD`].
pub use tripline::release::item::{ENTRY, QUEUE};
pub const VERSION: &str = "version";
pub const STATE: &str = "state";
pub const WORKER: &str = "worker";
pub const LEASE_UNTIL: &str = "leaseUntil";
const DEFAULT_GUARD: &str = "defaultGuard";
const TOLERANCE: &str = "tolerancePercent";
const ACCEPT_UNCOVERED: &str = "acceptUncovered";
/// The item that everybody changes who has looked at the whole queue. It sorts before all entries,
/// so that what is read after it is not older than it.
pub const HEAD: &str = "#head";

/// Most files of an entry.
const MAX_FILES: usize = 8;
/// Longest note that is read back, in characters.
const MAX_NOTE: usize = 2_000;

pub type Item = HashMap<String, AttributeValue>;

/// The key of an item.
pub fn key(queue: &QueueName, entry: &str) -> Item {
    let pair = |name: &str, value: &str| (name.to_owned(), text(value));
    HashMap::from([pair(QUEUE, queue.as_str()), pair(ENTRY, entry)])
}

pub fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub fn number(value: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// The word for a state.
pub fn word(state: &State) -> &'static str {
    match state {
        State::Pending => "pending",
        State::Claimed(_) => "claimed",
        State::Deployed => "deployed",
        State::Done { .. } => "done",
    }
}

/// The item of an entry.
pub fn item(queue: &QueueName, entry: &Entry) -> Item {
    let mut item = key(queue, entry.id.as_str());
    let mut put = |name: &str, value| drop(item.insert(name.to_owned(), value));
    put(VERSION, number(entry.version));
    put(STATE, text(word(&entry.state)));
    put("jobId", text(entry.job.as_str()));
    put("bucket", text(&entry.bucket));
    put("files", AttributeValue::L(entry.files.iter().map(file_item).collect()));
    put("bakeSeconds", number(entry.bake.seconds()));
    put(TOLERANCE, AttributeValue::N(entry.tolerance.to_string()));
    put("claims", number(entry.claims));
    put("failures", number(entry.failures));
    for (name, meant) in [(ALERT_ONLY, entry.alert_only), (DEFAULT_GUARD, entry.default_guard)] {
        if meant {
            put(name, AttributeValue::Bool(true));
        }
    }
    if entry.accept_uncovered != AcceptedWays::default() {
        put(ACCEPT_UNCOVERED, text(&entry.accept_uncovered.to_string()));
    }
    if let Some(region) = &entry.region {
        put("region", text(region));
    }
    if let Some(at) = entry.not_before {
        put("notBefore", number(at.seconds()));
    }
    if let Some(note) = &entry.note {
        put("note", text(note));
    }
    match &entry.state {
        State::Claimed(lease) => {
            put(WORKER, text(&lease.worker));
            put(LEASE_UNTIL, number(lease.until.seconds()));
            put("leaseSeconds", number(lease.length.seconds()));
        }
        State::Done { outcome, at } => {
            put("outcome", text(outcome.as_str()));
            put("endedAt", number(at.seconds()));
        }
        State::Pending | State::Deployed => {}
    }
    item
}

fn file_item(file: &StoredFile) -> AttributeValue {
    let pair = |name: &str, value| (name.to_owned(), value);
    AttributeValue::M(HashMap::from([
        pair("use", text(file.used.as_str())),
        pair("name", text(file.name.as_str())),
        pair("bytes", number(file.bytes)),
        pair("sha256", text(&file.sha256)),
    ]))
}

/// Reads an entry; the error says which attribute is not right.
pub fn entry(item: &Item) -> Result<Entry, String> {
    let id: EntryId = parsed(item, ENTRY)?;
    entry_of(id, item).map_err(|fault| {
        let name = item.get(ENTRY).and_then(|value| value.as_s().ok());
        format!("entry `{}`: {fault}", excerpt(name.map_or("", String::as_str)))
    })
}

fn entry_of(id: EntryId, item: &Item) -> Result<Entry, String> {
    let at = |name: &str| counted(item, name).map(Timestamp::from_seconds);
    let state = match string(item, STATE)? {
        "pending" => State::Pending,
        "claimed" => State::Claimed(Lease {
            worker: string(item, WORKER)?.to_owned(),
            until: at(LEASE_UNTIL)?,
            length: span(item, "leaseSeconds")?,
        }),
        "deployed" => State::Deployed,
        "done" => State::Done { outcome: outcome(string(item, "outcome")?)?, at: at("endedAt")? },
        other => return Err(unexpected(STATE, other, "pending, claimed, deployed or done")),
    };
    let optional = |name: &str| item.get(name).map(|_| string(item, name)).transpose();
    Ok(Entry {
        id,
        version: counted(item, VERSION)?,
        state,
        job: parsed(item, "jobId")?,
        region: optional("region")?.map(str::to_owned),
        bucket: string(item, "bucket")?.to_owned(),
        files: files(item)?,
        bake: span(item, "bakeSeconds")?,
        tolerance: tolerance(item)?,
        alert_only: flag(item, ALERT_ONLY)?,
        default_guard: flag(item, DEFAULT_GUARD)?,
        accept_uncovered: match optional(ACCEPT_UNCOVERED)? {
            None => AcceptedWays::default(),
            Some(_) => parsed(item, ACCEPT_UNCOVERED)?,
        },
        claims: counted(item, "claims")?,
        failures: counted(item, "failures")?,
        not_before: item.get("notBefore").map(|_| at("notBefore")).transpose()?,
        note: optional("note")?.map(|note| clean(note, MAX_NOTE)),
    })
}

fn files(item: &Item) -> Result<Vec<StoredFile>, String> {
    let list = item.get("files").and_then(|value| value.as_l().ok());
    let list = list.ok_or_else(|| missing("files"))?;
    if list.len() > MAX_FILES {
        return Err(format!(
            "attribute `files`: {} of them (expected at most {MAX_FILES})",
            list.len()
        ));
    }
    let mut files: Vec<StoredFile> = Vec::new();
    for value in list {
        let file = value.as_m().map_err(|_| missing("files"))?;
        let used = string(file, "use")?;
        let sha256 = string(file, "sha256")?;
        if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(unexpected("sha256", sha256, "64 hexadecimal digits"));
        }
        let read = StoredFile {
            used: Use::ALL.into_iter().find(|known| known.as_str() == used).ok_or_else(|| {
                unexpected("use", used, "config, firmware, things, document or baseline")
            })?,
            name: parsed(file, "name")?,
            bytes: counted(file, "bytes")?,
            sha256: sha256.to_owned(),
        };
        // One of them would overwrite the other.
        if files.iter().any(|other| other.name == read.name || other.used == read.used) {
            return Err(format!("attribute `files`: `{}` is there twice", read.name));
        }
        files.push(read);
    }
    Ok(files)
}

fn outcome(word: &str) -> Result<EntryOutcome, String> {
    let known = EntryOutcome::ALL.into_iter().find(|outcome| outcome.as_str() == word);
    known.ok_or_else(|| unexpected("outcome", word, "succeeded, failed, stopped or skipped"))
}

fn missing(name: &str) -> String {
    format!("attribute `{name}` is missing or of another type")
}

fn unexpected(name: &str, value: &str, expected: &str) -> String {
    format!("attribute `{name}`: `{}` (expected {expected})", excerpt(value))
}

fn string<'a>(item: &'a Item, name: &str) -> Result<&'a str, String> {
    let value = item.get(name).and_then(|value| value.as_s().ok());
    value.map(String::as_str).ok_or_else(|| missing(name))
}

/// What is not there is not meant.
fn flag(item: &Item, name: &str) -> Result<bool, String> {
    let value = item.get(name).map(|value| value.as_bool().copied().map_err(|_| missing(name)));
    value.transpose().map(Option::unwrap_or_default)
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(item: &Item, name: &str) -> Result<T, String> {
    string(item, name)?.parse().map_err(|error| format!("attribute `{name}`: {error}"))
}

/// A whole number that fits.
pub fn counted<T: FromStr>(item: &Item, name: &str) -> Result<T, String> {
    let value = item.get(name).and_then(|value| value.as_n().ok()).ok_or_else(|| missing(name))?;
    value.parse().map_err(|_| unexpected(name, value, "a whole number"))
}

/// An entry of an earlier version has none.
fn tolerance(item: &Item) -> Result<Tolerance, String> {
    let Some(value) = item.get(TOLERANCE) else { return Ok(Tolerance::NONE) };
    let text = value.as_n().map_err(|_| missing(TOLERANCE))?;
    text.parse().map_err(|error| format!("attribute `{TOLERANCE}`: {error}"))
}

fn span(item: &Item, name: &str) -> Result<Span, String> {
    let seconds = counted(item, name)?;
    Span::from_seconds(seconds)
        .ok_or_else(|| unexpected(name, &seconds.to_string(), "at most 90 days in seconds"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::tests::pending;

    fn round(entry: &Entry) {
        let item = item(&"q".parse().unwrap(), entry);
        assert_eq!(super::entry(&item).as_ref(), Ok(entry));
    }

    #[test]
    fn every_entry_is_read_back() {
        let length = Span::from_seconds(900).unwrap();
        let now = Timestamp::from_seconds(1_790_000_000);
        let first = pending(1);
        let claimed = first.claimed("w".to_owned(), length, now);
        round(&first);
        round(&claimed);
        round(&claimed.failed("no network", now));
        round(&claimed.deployed());
        for outcome in EntryOutcome::ALL {
            round(&claimed.ended(outcome, Some("why"), now));
        }
        round(&Entry { region: Some("eu-west-1".to_owned()), ..first.clone() });
        round(&Entry { alert_only: true, ..first.clone() });
        for tolerance in ["0", "2", "0.25", "100"] {
            round(&Entry { tolerance: tolerance.parse().unwrap(), ..first.clone() });
        }
        round(&Entry { default_guard: true, ..first.clone() });
        round(&Entry { accept_uncovered: "fails,slow".parse().unwrap(), ..first });
    }

    #[test]
    fn an_entry_of_an_earlier_version_tolerates_no_failed_device() {
        let tolerant = Entry { tolerance: "2".parse().unwrap(), ..pending(1) };
        let mut item = item(&"q".parse().unwrap(), &tolerant);
        item.remove(TOLERANCE);
        assert_eq!(entry(&item).unwrap().tolerance, Tolerance::NONE);
    }

    #[test]
    fn what_nobody_of_us_wrote_is_refused() {
        let good = item(&"q".parse().unwrap(), &pending(1));
        let with = |name: &str, value: Option<AttributeValue>| {
            let mut item = good.clone();
            item.remove(name);
            item.extend(value.map(|value| (name.to_owned(), value)));
            entry(&item).unwrap_err()
        };
        for name in [ENTRY, STATE, VERSION, "jobId", "bucket", "files", "bakeSeconds", "claims"] {
            assert!(with(name, None).contains(name), "{name}");
            assert!(with(name, Some(AttributeValue::Bool(true))).contains(name), "{name}");
        }
        let of_file = |name: &str, value: AttributeValue| {
            let Some(AttributeValue::L(mut list)) = good.get("files").cloned() else { panic!() };
            let Some(AttributeValue::M(file)) = list.first_mut() else { panic!() };
            file.insert(name.to_owned(), value);
            with("files", Some(AttributeValue::L(list)))
        };
        let outside = of_file("name", text("../../home/ci/.ssh/authorized_keys"));
        assert!(outside.contains("is no file name"), "{outside}");
        assert!(of_file("name", text("fw.bin")).contains("`fw.bin` is there twice"));
        assert!(of_file("sha256", text("abc")).contains("64 hexadecimal digits"));
        assert!(of_file("bytes", number(-1)).contains("a whole number"));
        assert!(
            with("defaultGuard", Some(text("true"))).contains("`defaultGuard` is missing or of")
        );
        assert!(with("bakeSeconds", Some(number(u32::MAX))).contains("at most 90 days"));
        assert!(with(TOLERANCE, Some(number(101))).contains("expected 0 to 100"));
        assert!(with(TOLERANCE, Some(text("2"))).contains("missing or of another type"));
        assert!(with(STATE, Some(text("claimed"))).contains("`worker` is missing"));
        let shown = with(STATE, Some(text("x\u{1b}[2J")));
        assert!(
            shown.ends_with(
                "attribute `state`: `x?[2J` (expected pending, claimed, deployed or done)"
            ),
            "{shown}"
        );
    }
}
