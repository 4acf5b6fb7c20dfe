//! The thing list: the ARNs of what a job is for, one a line.

use std::collections::HashSet;

use tripline::faults::{Fault, Faults, reported};
use tripline::text::excerpt;

use crate::ini::MAX_FILE_BYTES;
use crate::regions;
use crate::slips::{slip, unquoted};
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
    partition: String,
    region: String,
    account: String,
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
        let begins = parts.next() == Some("arn");
        let partition = parts.next().filter(|partition| partition.starts_with("aws"))?;
        let is_iot = parts.next() == Some("iot");
        let region =
            parts.next().filter(|region| !region.is_empty() && region.bytes().all(region_of))?;
        let account = parts.next().filter(|account| is_account(account))?;
        let (kind, name) = parts.next()?.split_once('/')?;
        let kind = match kind {
            "thing" => TargetKind::Thing,
            "thinggroup" => TargetKind::Group,
            _ => return None,
        };
        let name = TargetName::new(name).filter(|_| begins && is_iot)?;
        Some(Self {
            arn: arn.to_owned(),
            kind,
            partition: partition.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
            name,
        })
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

    /// The account it is of.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// What of it fits neither itself nor the first target of its list, with what to do.
    fn misfit(&self, first: Option<&Self>) -> Option<(String, Option<String>)> {
        let name = excerpt(self.name());
        if !regions::could_be(&self.region) {
            let text = format!(
                "`{name}` is in `{}`, which is no AWS Region (expected a name such as `us-east-1`)",
                excerpt(&self.region)
            );
            return Some((text, regions::meant(&self.region)));
        }
        if let Some(wrong) = regions::wrong_partition(&self.partition, &self.region) {
            return Some((format!("`{name}`: {wrong}"), None));
        }
        let first = first?;
        if first.region != self.region {
            let text = format!(
                "`{name}` is in `{}`, and the first target in `{}` (expected one region)",
                excerpt(&self.region),
                excerpt(&first.region)
            );
            return Some((text, None));
        }
        (first.account != self.account).then(|| {
            let text = format!(
                "`{name}` is of account {}, and the first target of {} (expected one account: a job has targets of its own account)",
                self.account, first.account
            );
            (text, None)
        })
    }

    /// The thing's or the group's name.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }
}

const EXPECTED: &str = "arn:aws:iot:<region>:<account>:thing/<name> or ..:thinggroup/<name>";

fn fault_at(line: usize, (text, hint): (String, Option<String>)) -> Fault {
    Fault::at(line, text).hint(hint)
}

/// A list as AWS's command line or another program writes it.
fn json(line: usize) -> Fault {
    let text = format!("JSON (expected one ARN a line: {EXPECTED})");
    let hint = "of the output of `aws iot list-things`, `jq -r '.things[].thingArn'` makes such a list; of an array, `jq -r '.[]'`";
    Fault::at(line, text).hint(Some(hint.to_owned()))
}

/// What to do about a line that is no target.
fn target_meant(line: &str) -> Option<String> {
    let is_target = |text: &str| Target::new(unquoted(text.trim())).is_some();
    for (separator, name) in [('\t', "tabs"), (',', "commas"), (';', "`;`"), (' ', "spaces")] {
        let mut fields = line.split(separator);
        if line.contains(separator)
            && let Some(field) = fields.position(is_target)
            && !line.contains(" #")
        {
            return Some(format!(
                "fields separated by {name}: keep the ARN alone, here field {}, one a line",
                field + 1
            ));
        }
    }
    let header = line.contains(['\t', ',']).then(|| {
        let name = if line.contains('\t') { "tabs" } else { "commas" };
        format!("fields separated by {name}: keep the ARNs alone, one a line")
    });
    slip(line).or(header)
}

/// The targets of a rollout, each once, all in one region and of one account: 1 to [`MAX_TARGETS`], or to [`MAX_LISTED`]
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
        let mut faults = Vec::new();
        if text.len() > MAX_FILE_BYTES {
            let text = format!("{} bytes long (expected at most {MAX_FILE_BYTES})", text.len());
            return reported(file, (), vec![Fault { line: None, text, hint: None }])
                .map(|()| Self(Vec::new()));
        }
        let mut targets: Vec<Target> = Vec::new();
        let mut known = HashSet::new();
        let mut hints = HashSet::new();
        for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if targets.is_empty() && faults.is_empty() && line.starts_with(['{', '[']) {
                faults.push(json(number));
                break;
            }
            let Some(target) = Target::new(line) else {
                let text = format!("`{}` is no target (expected {EXPECTED})", excerpt(line));
                // What is wrong with a whole file is said once.
                let hint = target_meant(line).filter(|hint| hints.insert(hint.clone()));
                faults.push(Fault::at(number, text).hint(hint));
                continue;
            };
            faults.extend(target.misfit(targets.first()).map(|fault| fault_at(number, fault)));
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

    /// The account all of them are of.
    pub fn account(&self) -> Option<&str> {
        self.0.first().map(Target::account)
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

    #[test]
    fn targets_fit_one_another_and_themselves() {
        for (line, said) in [
            (
                "arn:aws:iot:us-east-1:444455556666:thing/b",
                "of account 444455556666, and the first target of 111122223333",
            ),
            (
                "arn:aws-cn:iot:us-east-1:111122223333:thing/b",
                "partition `aws-cn` does not fit Region `us-east-1` (expected `aws`)",
            ),
            ("arn:aws:iot:cn-north-1:111122223333:thing/b", "(expected `aws-cn`)"),
            ("arn:aws:iot:us-esat-1:111122223333:thing/b", "`us-esat-1`, which is no AWS Region"),
        ] {
            let text = parse(&format!("{ACCOUNT}:thing/a\n{line}\n")).unwrap_err();
            assert!(text.starts_with("things.txt:2: `b`") && text.contains(said), "{text}");
        }
        let china = "arn:aws-cn:iot:cn-north-1:111122223333:thing/a";
        assert_eq!(ThingList::parse("", china).unwrap().account(), Some("111122223333"));
    }

    #[test]
    fn a_list_of_another_form_is_announced_once() {
        let two = |line: &str| format!("{line}\n{line}\n");
        for (text, said) in [
            (
                two(&format!("{ACCOUNT}:thing/a\ta")),
                "separated by tabs: keep the ARN alone, here field 1",
            ),
            (two(&format!("a\t{ACCOUNT}:thing/a")), "here field 2"),
            (two(&format!("{ACCOUNT}:thing/a,{ACCOUNT}:thing/b")), "separated by commas"),
            (
                format!("name\tarn\na\t{ACCOUNT}:thing/a\n"),
                "separated by tabs: keep the ARNs alone",
            ),
            (two(&format!("\"{ACCOUNT}:thing/a\"")), "without quotes"),
            (two(&format!("{ACCOUNT}:thing/a # bench")), "a line of its own"),
            (format!("[\n  \"{ACCOUNT}:thing/a\"\n]\n"), "jq -r '.[]'"),
            ("{\n  \"things\": [\n".to_owned(), "jq -r '.things[].thingArn'"),
        ] {
            let found = parse(&text).unwrap_err();
            assert_eq!(found.matches(said).count(), 1, "{said} in {found}");
        }
        assert!(parse("[]\n").unwrap_err().starts_with("things.txt:1: JSON"));
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
