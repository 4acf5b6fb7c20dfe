//! The tags that a new job has from the one that it follows.

use std::collections::BTreeMap;

use aws_sdk_iot::types::Tag;
use tripline::diagnostic::Diagnostic;
use tripline::text::excerpt;
use tripline_guard::desired::{GUARD_TAG, JobTags, TAG_PREFIX};

use super::link::{RESUMES, REVERTS, tag};

/// The tag with the job that a job takes devices back to.
pub const REVERTS_TO: &str = "tripline:revertsTo";
/// The tags that are a job's own: what follows it has others.
const LINKS: [&str; 3] = [RESUMES, REVERTS, REVERTS_TO];
/// How the keys of AWS's own tags begin, which nobody else can set.
const OF_AWS: &str = "aws:";
/// Most tags of a job (AWS IoT `CreateJob`), without those that link it to others.
const MOST: usize = 50 - 2;

/// What a new job has from another one's tags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inherited {
    /// By key: Tripline's, and the operator's own.
    pub tags: Vec<(String, String)>,
    /// The keys of those for which a job has no room.
    pub left_out: Vec<String>,
    /// What the other job's tag said of the stack's default guard.
    pub guard: Option<OptedOut>,
}

/// The other job had the tag `tripline:guard` = `off`, so that the stack's default guard kept away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptedOut {
    /// The new one does not have it: nobody has said that it is meant.
    Dropped,
    /// The new one has it, too.
    Kept,
}

impl Inherited {
    /// What a new job has from these tags. `keep_guard_off`: that it is opted out, too, is meant.
    pub fn new(tags: &BTreeMap<String, String>, keep_guard_off: bool) -> Self {
        let is_off = JobTags::read(tags.iter().map(|(k, v)| (k.as_str(), v.as_str()))).is_off();
        let guard = is_off.then_some(match keep_guard_off {
            true => OptedOut::Kept,
            false => OptedOut::Dropped,
        });
        let is_dropped = |key: &str| {
            LINKS.contains(&key)
                || key.starts_with(OF_AWS)
                || key == GUARD_TAG && guard == Some(OptedOut::Dropped)
        };
        let own = |(key, value): (&String, &String)| (key.clone(), value.clone());
        let kept = tags.iter().filter(|(key, _)| !is_dropped(key)).map(own);
        let (mut tags, of_operator): (Vec<_>, Vec<_>) =
            kept.partition(|(key, _)| key.starts_with(TAG_PREFIX));
        tags.extend(of_operator);
        let left_out = tags.split_off(tags.len().min(MOST));
        Self { tags, left_out: left_out.into_iter().map(|(key, _)| key).collect(), guard }
    }

    /// As AWS IoT takes them.
    pub fn request(&self) -> Vec<Tag> {
        self.tags.iter().filter_map(|(key, value)| tag(key, value)).collect()
    }

    /// What to know of it.
    pub fn notes(&self, old: &str) -> Vec<String> {
        let mut notes = Vec::new();
        match self.guard {
            Some(OptedOut::Dropped) => notes.push(
                Diagnostic::new(format!(
                    "job `{old}` was opted out of the default guard (`{GUARD_TAG}` is `off`), and the new one is not"
                ))
                .with_hint("`--keep-guard-off` opts it out, too")
                .labeled("note"),
            ),
            Some(OptedOut::Kept) => notes.push(format!(
                "note: the new job is opted out of the default guard, as `{old}` was (`{GUARD_TAG}` is `off`)"
            )),
            None => {}
        }
        if !self.left_out.is_empty() {
            let keys: Vec<_> =
                self.left_out.iter().map(|key| format!("`{}`", excerpt(key))).collect();
            notes.push(format!(
                "note: a job has room for 50 tags; these of job `{old}` were left out: {}",
                keys.join(", ")
            ));
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(tags: &[(&str, &str)], keep: bool) -> Inherited {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Inherited::new(&tags.collect(), keep)
    }

    #[test]
    fn the_operator_s_tags_are_inherited_and_links_are_not() {
        let inherited = of(
            &[
                ("aws:cloudformation:stack-name", "jobs"),
                ("team", "pumps"),
                ("tripline:config", "s3://b/k"),
                ("tripline:guard", "on"),
                ("tripline:resumes", "older"),
                ("tripline:revertsTo", "good"),
            ],
            false,
        );
        let keys: Vec<_> = inherited.tags.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["tripline:config", "tripline:guard", "team"]);
        assert_eq!((inherited.notes("fw").len(), inherited.guard), (0, None));
    }

    #[test]
    fn that_a_job_was_opted_out_is_not_inherited_silently() {
        for value in ["off", " OFF "] {
            let dropped = of(&[("tripline:guard", value)], false);
            assert_eq!((dropped.tags.len(), dropped.guard), (0, Some(OptedOut::Dropped)));
            assert!(dropped.notes("fw")[0].contains("hint: `--keep-guard-off`"));
            let kept = of(&[("tripline:guard", value)], true);
            assert_eq!((kept.tags.len(), kept.guard), (1, Some(OptedOut::Kept)));
            assert!(kept.notes("fw")[0].contains("opted out of the default guard, as `fw` was"));
        }
    }

    #[test]
    fn tags_for_which_there_is_no_room_are_named() {
        let keys: Vec<_> = (0..50).map(|n| format!("own-{n:02}")).collect();
        let tags: Vec<_> = keys.iter().map(|key| (key.as_str(), "x")).collect();
        let inherited = of(&tags, false);
        assert_eq!((inherited.tags.len(), inherited.left_out.len()), (48, 2));
        assert!(inherited.notes("fw")[0].ends_with("were left out: `own-48`, `own-49`"));
    }
}
