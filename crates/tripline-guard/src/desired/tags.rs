//! A job's tags, as far as they are about its guard.

use std::collections::BTreeMap;

use tripline::job::CountRejected;
use tripline::text::{excerpt, nearest};

use super::default_guard::{DefaultGuard, InvalidValue, KEYS, Values};

/// How the keys of Tripline's tags begin.
pub const TAG_PREFIX: &str = "tripline:";
/// The tag that takes a job out of the default guard, or into it.
pub const GUARD_TAG: &str = "tripline:guard";
/// The tag, without its prefix, that says whether rejected executions count as unsuccessful.
const COUNT_REJECTED: &str = "CountRejected";

/// What a job's tags say of its guard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobTags {
    /// `tripline:guard`: `on` or `off`.
    guard: Option<bool>,
    /// There is a tag that is nearly that one, or has another value: somebody wanted something of the guard.
    is_unclear: bool,
    /// `tripline:CountRejected`.
    count_rejected: Option<CountRejected>,
    /// By parameter, as far as they can be used.
    values: BTreeMap<&'static str, String>,
    /// Tags that cannot be used.
    pub faults: Vec<InvalidValue>,
}

impl JobTags {
    /// Reads a job's tags, by key and value. What cannot be used is a fault, and changes nothing.
    pub fn read<'a>(tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut read = Self::default();
        for (key, value) in tags {
            let Some(parameter) = key.strip_prefix(TAG_PREFIX) else { continue };
            if key == GUARD_TAG {
                match value.trim().to_ascii_lowercase().as_str() {
                    "off" => read.guard = Some(false),
                    "on" => read.guard = Some(true),
                    "" => {}
                    _ => {
                        read.is_unclear = true;
                        read.faults.push(InvalidValue::new(key, value, "`off` or `on`"));
                    }
                }
            } else if nearest(parameter, &["guard"]).is_some() {
                read.is_unclear = true;
                read.faults.push(InvalidValue::new(key, value, format!("the tag `{GUARD_TAG}`")));
            } else if nearest(parameter, &[COUNT_REJECTED]).is_some() {
                match CountRejected::parse(value.trim()) {
                    _ if parameter != COUNT_REJECTED => {
                        read.faults.push(InvalidValue::new(key, value, COUNT_REJECTED));
                    }
                    None => {
                        read.faults.push(InvalidValue::new(key, value, CountRejected::EXPECTED));
                    }
                    read_value => read.count_rejected = read_value,
                }
            // A job has other tags of Tripline's, such as where its config is.
            } else if nearest(parameter, &KEYS).is_some()
                && let Err(fault) = read.set(parameter, value.trim())
            {
                read.faults.push(InvalidValue { key: excerpt(key), ..fault });
            }
        }
        read
    }

    fn set(&mut self, parameter: &str, value: &str) -> Result<(), InvalidValue> {
        if let Some(mut scratch) = Values::recommended() {
            scratch.set(parameter, value)?;
        }
        if let Some(key) = KEYS.into_iter().find(|key| *key == parameter) {
            // Kept in words without blanks.
            self.values.insert(key, value.split_ascii_whitespace().collect::<Vec<_>>().join("/"));
        }
        Ok(())
    }

    /// Those that can be used. Where it is not clear what is wanted of the guard, it is wanted.
    #[must_use]
    pub fn usable(&self) -> Self {
        let guard = self.guard.or(self.is_unclear.then_some(true));
        Self { faults: Vec::new(), is_unclear: false, guard, ..self.clone() }
    }

    /// The job wants no guard of the stack's.
    pub fn is_off(&self) -> bool {
        self.guard == Some(false)
    }

    /// The job asks for the stack's guard.
    pub fn is_on(&self) -> bool {
        self.guard == Some(true) || self.guard.is_none() && self.is_unclear
    }

    /// Whether rejected executions count as unsuccessful, by what the tags were at first and are `now`: that
    /// they do not is only heeded if it was so from the first. `None`: as the stack has it.
    pub fn count_rejected(&self, now: &Self) -> Option<CountRejected> {
        use CountRejected::{No, Yes};
        match (self.count_rejected, now.count_rejected) {
            (Some(Yes), _) | (_, Some(Yes)) => Some(Yes),
            (Some(No), Some(No)) => Some(No),
            _ => None,
        }
    }

    /// The parameters that it changes, and to what.
    pub(super) fn values(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.values.iter().map(|(key, value)| (*key, value.as_str()))
    }

    /// As it is kept, in words without blanks: `off DownloadTimeUpperLimit=7200`.
    pub fn to_text(&self) -> String {
        let guard = self.guard.map(|on| if on { "on" } else { "off" }.to_owned());
        let rejected = self.count_rejected.map(|it| format!("{COUNT_REJECTED}={}", it.name()));
        let values = self.values.iter().map(|(key, value)| format!("{key}={value}"));
        guard.into_iter().chain(rejected).chain(values).collect::<Vec<_>>().join(" ")
    }

    /// Reads what was kept. A word that cannot be used changes nothing.
    pub fn from_text(text: &str) -> Self {
        let mut tags = Self::default();
        for word in text.split_ascii_whitespace() {
            match word.split_once('=') {
                None if word == "off" => tags.guard = Some(false),
                None if word == "on" => tags.guard = Some(true),
                None => {}
                Some((COUNT_REJECTED, value)) => tags.count_rejected = CountRejected::parse(value),
                Some((parameter, value)) => drop(tags.set(parameter, value)),
            }
        }
        tags
    }
}

/// A default guard as a job's tags have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tagged {
    /// `tripline:guard` was `off` when the job was first seen, and is: it wants no guard of the stack's.
    pub opted_out: bool,
    /// `tripline:guard` is `off`, and was not when the job was first seen: its guard stays.
    pub opted_out_late: bool,
    /// `tripline:guard` is `on`, or was when the job was first seen.
    pub opted_in: bool,
    /// Whether rejected executions count as unsuccessful, if its tags say so.
    pub count_rejected: Option<CountRejected>,
    /// The guard, if it wants one.
    pub guard: DefaultGuard,
    /// Tags that could not be used.
    pub faults: Vec<InvalidValue>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tripline::alarm::AlarmDefinition;
    use tripline::rollout::Rate;

    use super::*;
    use crate::desired::GuardAlarm;

    fn guard() -> DefaultGuard {
        DefaultGuard::new(Vec::new(), |_| None).unwrap()
    }

    fn alarms(guard: &DefaultGuard) -> (AlarmDefinition, f64, u32) {
        match &guard.alarms(Rate::QUOTA)[..] {
            [GuardAlarm::Config(download), GuardAlarm::FailureRate(rate)] => {
                (download.clone(), rate.limit, rate.min_executions.get())
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_opt_out_counts_if_the_job_had_it_at_first_and_still_has_it() {
        let [off, on, none] = ["off", "on", ""].map(JobTags::from_text);
        for (first, now, out, late) in [
            (&off, &off, true, false),
            (&off, &none, false, false),
            (&none, &off, false, true),
            (&on, &off, false, true),
            (&none, &none, false, false),
        ] {
            let tagged = guard().honoring(first, now);
            assert_eq!((tagged.opted_out, tagged.opted_out_late), (out, late), "{first:?} {now:?}");
        }
        assert!(guard().honoring(&on, &none).opted_in && guard().honoring(&none, &on).opted_in);
    }

    #[test]
    fn a_tag_that_is_nearly_the_guard_s_asks_for_it() {
        for (key, value) in
            [("tripline:guard", "yes"), ("tripline:Guard", "on"), ("tripline:gaurd", "off")]
        {
            let tags = JobTags::read([(key, value)]);
            assert_eq!((tags.is_on(), tags.is_off(), tags.faults.len()), (true, false, 1), "{key}");
            assert!(JobTags::from_text(&tags.usable().to_text()).is_on(), "{key}");
        }
        for other in
            ["config", "fallback", "firmware", "firmwareDigest", "resumes", "reverts", "signature"]
        {
            let tag = format!("tripline:{other}");
            assert_eq!(JobTags::read([(tag.as_str(), "any")]), JobTags::default(), "{other}");
        }
    }

    #[test]
    fn rejections_are_left_out_only_if_they_were_from_the_first() {
        use CountRejected::{No, Yes};
        let [yes, no, none] = ["CountRejected=yes", "CountRejected=no", ""].map(JobTags::from_text);
        for (first, now, read) in [
            (&no, &no, Some(No)),
            (&no, &none, None),
            (&none, &no, None),
            (&yes, &no, Some(Yes)),
            (&no, &yes, Some(Yes)),
        ] {
            assert_eq!(guard().honoring(first, now).count_rejected, read, "{first:?} {now:?}");
        }
        for (value, faults) in [("no", 0), ("maybe", 1)] {
            assert_eq!(JobTags::read([("tripline:CountRejected", value)]).faults.len(), faults);
        }
        assert_eq!(JobTags::read([("tripline:countRejected", "no")]).faults.len(), 1);
    }

    fn tags() -> impl Strategy<Value = JobTags> {
        let guard = prop_oneof![Just(""), Just("on"), Just("off"), Just("CountRejected=no")];
        let values = (1.0..600_000.0_f64, 0_u32..=100, 1_u32..=144, 1_u32..=144, 1_u32..1_000_000);
        let limits = (0.0..99.9_f64, 1_u32..1_000_000, any::<u8>());
        (guard, values, limits).prop_map(
            |(guard, (limit, p, n, m, samples), (rate, least, which))| {
                let all = [
                    ("DownloadTimeUpperLimit", limit.to_string()),
                    ("DownloadTimePercentile", p.to_string()),
                    ("DownloadTimeEvaluationPeriod", n.to_string()),
                    ("DownloadTimeDatapointsToAlarm", m.to_string()),
                    ("DownloadTimeMinSamples", samples.to_string()),
                    ("FailureRateUpperLimit", rate.to_string()),
                    ("FailureRateMinExecutions", least.to_string()),
                ];
                let some = all.into_iter().enumerate().filter(|(n, _)| which >> n & 1 == 1);
                let words = some.map(|(_, (key, value))| format!("{key}={value}"));
                let words: Vec<_> = std::iter::once(guard.to_owned()).chain(words).collect();
                JobTags::from_text(&words.join(" "))
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_kept_is_read_again(tags in tags()) {
            prop_assert_eq!(JobTags::from_text(&tags.to_text()), tags);
        }

        /// Whatever a job is tagged with while it runs, its guard is never looser than at first.
        #[test]
        fn later_tags_can_only_tighten(first in tags(), later in tags()) {
            let (before, rate, least) = alarms(&guard().honoring(&first, &first).guard);
            let tagged = guard().honoring(&first, &later);
            let (after, new_rate, new_least) = alarms(&tagged.guard);
            prop_assert!(after.threshold <= before.threshold);
            prop_assert!(after.min_samples <= before.min_samples);
            prop_assert!(after.period <= before.period);
            prop_assert!(
                after.evaluation.datapoints_to_alarm() <= before.evaluation.datapoints_to_alarm()
            );
            prop_assert!(new_rate <= rate && new_least <= least);
            prop_assert!(!tagged.opted_out || first.is_off());
        }
    }
}
