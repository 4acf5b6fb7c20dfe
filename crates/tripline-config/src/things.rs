//! The thing list: the ARNs of what a job is for, one a line.

use std::collections::HashSet;

use tripline::faults::{Fault, Faults, reported};
use tripline::text::excerpt;

use crate::ini::MAX_FILE_BYTES;
use crate::values::is_account;

/// Most targets of a job (AWS IoT Device Management quotas).
pub const MAX_TARGETS: usize = 100;

/// Most targets of a list whose rollout goes out in waves: those of a wave with more things than
/// [`MAX_TARGETS`] are put into a thing group.
pub const MAX_LISTED: usize = 20_000;

/// The name of a thing or of a thing group: 1 to 128 of `a-z A-Z 0-9 : _ -` (AWS IoT `CreateThing`,
/// `CreateThingGroup`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetName(String);

impl TargetName {
    /// Checks a name.
    pub fn new(name: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b":_-".contains(&byte);
        let fits = (1..=128).contains(&name.len()) && name.bytes().all(allowed);
        fits.then(|| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a job is rolled out to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    arn: String,
    kind: TargetKind,
    region: String,
    name: TargetName,
}

/// Whether a target is one device or a group of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TargetKind {
    /// `thing/<name>`
    Thing,
    /// `thinggroup/<name>`
    Group,
}

impl Target {
    /// Checks an ARN: `arn:aws:iot:<region>:<account>:thing/<name>`, or `thinggroup/<name>`.
    pub fn new(arn: &str) -> Option<Self> {
        let region_of =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let mut parts = arn.splitn(6, ':');
        let begins = parts.next() == Some("arn")
            && parts.next().is_some_and(|partition| partition.starts_with("aws"))
            && parts.next() == Some("iot");
        let region =
            parts.next().filter(|region| !region.is_empty() && region.bytes().all(region_of))?;
        let account = parts.next().is_some_and(is_account);
        let (kind, name) = parts.next()?.split_once('/')?;
        let kind = match kind {
            "thing" => TargetKind::Thing,
            "thinggroup" => TargetKind::Group,
            _ => return None,
        };
        let name = TargetName::new(name).filter(|_| begins && account)?;
        Some(Self { arn: arn.to_owned(), kind, region: region.to_owned(), name })
    }

    /// The ARN.
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// Whether it is one device.
    pub fn kind(&self) -> TargetKind {
        self.kind
    }

    /// The region it is in.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The thing's or the group's name.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }
}

/// The targets of a rollout, each once, all in one region: 1 to [`MAX_TARGETS`], or to [`MAX_LISTED`]
/// if it goes out in waves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThingList(Vec<Target>);

impl ThingList {
    /// Reads a thing list. Empty lines and lines that begin with `#` say nothing, and a target that
    /// is named again is the same one. `file` is what the errors call it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Faults> {
        Self::parse_up_to(MAX_TARGETS, file, text)
    }

    /// Reads the thing list of a rollout that goes out in waves.
    pub fn parse_for_waves(file: &str, text: &str) -> Result<Self, Faults> {
        Self::parse_up_to(MAX_LISTED, file, text)
    }

    fn parse_up_to(most: usize, file: &str, text: &str) -> Result<Self, Faults> {
        const EXPECTED: &str =
            "arn:aws:iot:<region>:<account>:thing/<name> or ..:thinggroup/<name>";
        let mut faults = Vec::new();
        if text.len() > MAX_FILE_BYTES {
            let text = format!("{} bytes long (expected at most {MAX_FILE_BYTES})", text.len());
            return reported(file, (), vec![Fault { line: None, text, hint: None }])
                .map(|()| Self(Vec::new()));
        }
        let mut targets: Vec<Target> = Vec::new();
        let mut known = HashSet::new();
        for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some(target) = Target::new(line) else {
                faults.push(Fault {
                    line: Some(number),
                    text: format!("`{}` is no target (expected {EXPECTED})", excerpt(line)),
                    hint: None,
                });
                continue;
            };
            if let Some(first) = targets.first()
                && first.region != target.region
            {
                let text = format!(
                    "`{}` is in `{}`, and the first target in `{}` (expected one region)",
                    excerpt(target.name()),
                    excerpt(&target.region),
                    excerpt(&first.region)
                );
                faults.push(Fault { line: Some(number), text, hint: None });
            }
            if known.insert(target.clone()) {
                targets.push(target);
            }
        }
        if targets.is_empty() && faults.is_empty() {
            let text = format!("no target (expected one a line: {EXPECTED})");
            faults.push(Fault { line: None, text, hint: None });
        }
        if targets.len() > most {
            faults.push(Fault {
                line: None,
                text: format!("{} targets (expected at most {most})", targets.len()),
                hint: Some("put the things into a thing group, and name the group".to_owned()),
            });
        }
        reported(file, Self(targets), faults)
    }

    /// The targets.
    pub fn targets(&self) -> &[Target] {
        &self.0
    }

    /// The region all of them are in.
    pub fn region(&self) -> Option<&str> {
        self.0.first().map(Target::region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "arn:aws:iot:us-east-1:111122223333";

    fn parse(text: &str) -> Result<Vec<String>, String> {
        ThingList::parse("things.txt", text)
            .map(|list| list.targets().iter().map(|target| target.name().to_owned()).collect())
            .map_err(|faults| faults.to_string())
    }

    #[test]
    fn things_and_groups_are_listed_once() {
        let text = format!(
            "\u{feff}# trackers\r\n{ACCOUNT}:thing/tracker:1\r\n\r\n  {ACCOUNT}:thinggroup/field \n{ACCOUNT}:thing/tracker:1\n"
        );
        assert_eq!(parse(&text), Ok(vec!["tracker:1".to_owned(), "field".to_owned()]));
        let list = ThingList::parse("", &text).unwrap();
        assert_eq!(list.region(), Some("us-east-1"));
        let kinds: Vec<_> = list.targets().iter().map(Target::kind).collect();
        assert_eq!(kinds, [TargetKind::Thing, TargetKind::Group]);
    }

    #[test]
    fn every_bad_line_is_named() {
        let text = format!(
            "tracker-1\n{ACCOUNT}:thing/a\narn:aws:iot:eu-west-1:111122223333:thing/b\n{ACCOUNT}:thing/\n{ACCOUNT}:cert/c\n"
        );
        insta_like(
            &parse(&text).unwrap_err(),
            &[
                "things.txt: 4 faults",
                "  line 1: `tracker-1` is no target (expected arn:aws:iot:<region>:<account>:thing/<name> or ..:thinggroup/<name>)",
                "  line 3: `b` is in `eu-west-1`, and the first target in `us-east-1` (expected one region)",
                "  line 4: `arn:aws:iot:us-east-1:111122223333:thing/` is no target (expected arn:aws:iot:<region>:<account>:thing/<name> or ..:thinggroup/<name>)",
                "  line 5: `arn:aws:iot:us-east-1:111122223333:cert/c` is no target (expected arn:aws:iot:<region>:<account>:thing/<name> or ..:thinggroup/<name>)",
            ],
        );
    }

    fn insta_like(text: &str, lines: &[&str]) {
        assert_eq!(text.lines().collect::<Vec<_>>(), lines);
    }

    #[test]
    fn a_job_has_a_target_and_not_too_many() {
        assert!(parse("\n# none\n").unwrap_err().starts_with("things.txt: no target"));
        let list =
            |count| (0..count).map(|n| format!("{ACCOUNT}:thing/t{n}\n")).collect::<String>();
        assert!(parse(&list(MAX_TARGETS)).is_ok());
        assert_eq!(
            parse(&list(MAX_TARGETS + 1)).unwrap_err(),
            "things.txt: 101 targets (expected at most 100)\n  hint: put the things into a thing group, and name the group"
        );
    }
}
