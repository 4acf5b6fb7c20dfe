//! What people were alerted to, so that each case is announced once, and again when it comes back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use tripline::job::JobId;
use tripline::time::Timestamp;

use crate::finding::{BLIND, CaseOf, Finding, OPTED_OUT, UNGUARDED, is_uncovered, urgency};

/// Most cases that are remembered: what is beyond is announced once there is room, so that people are never
/// alerted to the same every minute.
pub const MAX_CASES: usize = 500;
/// People are alerted to one case of a job once in so many seconds at most, however often it comes and goes.
pub const REPEAT: i64 = 3_600;
/// A new job is armed within a minute or two: until then nobody hears that it is not guarded. In seconds.
const ARMED_WITHIN: i64 = 150;
/// After the first minute of a stack, all rollouts that there are have been looked at by then. In seconds.
const FIRST_LOOKED_AT_WITHIN: i64 = 240;
/// A drill's rollout opts out, and is over by then. In seconds.
const LONGER_THAN_A_DRILL: i64 = 900;
/// A case that nobody was alerted to yet is waited for so many seconds once it is gone.
const WAITED_FOR: i64 = 300;

/// Cases by job. Times are in seconds since the epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Announced(BTreeMap<CaseOf, Entry>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    /// When it was first found.
    first: i64,
    /// When people were last alerted to it.
    at: Option<i64>,
    /// Since when it is gone, or was until people are alerted to it again.
    gone: Option<i64>,
    /// How large it was when people were last alerted to it.
    size: u8,
}

impl Announced {
    /// Takes in what is found this minute, and says what people have to be alerted to now.
    pub fn due<'a>(&mut self, findings: &'a [Finding], now: Timestamp) -> Vec<&'a Finding> {
        let now = now.seconds();
        let is_found: BTreeSet<CaseOf> = findings.iter().map(Finding::case_of).collect();
        for (case, entry) in &mut self.0 {
            if !is_found.contains(case) {
                entry.gone.get_or_insert(now);
            }
        }
        let mut due = Vec::new();
        let mut is_taken = BTreeSet::new();
        let mut by_urgency: Vec<&Finding> = findings.iter().collect();
        by_urgency.sort_by_key(|finding| urgency(finding.case));
        let mut without_room = 0_usize;
        for finding in by_urgency {
            let case = finding.case_of();
            if !self.0.contains_key(&case)
                && self.0.len() >= MAX_CASES
                && !self.make_room(urgency(finding.case))
            {
                without_room += 1;
                continue;
            }
            let new = Entry { first: now, at: None, gone: None, size: 0 };
            let entry = self.0.entry(case.clone()).or_insert(new);
            let is_due = match (entry.at, entry.gone) {
                (None, _) => {
                    entry.gone = None;
                    now.saturating_sub(entry.first) >= patience(finding.case)
                }
                (Some(at), Some(_)) => now.saturating_sub(at) >= REPEAT,
                (Some(at), None) if is_uncovered(finding.case) => {
                    finding.size != entry.size && now.saturating_sub(at) >= REPEAT
                }
                (Some(_), None) => finding.size > entry.size,
            };
            if is_due && is_taken.insert(case) {
                due.push(finding);
            }
        }
        if without_room > 0 {
            tracing::error!(cases = without_room, "cases_not_announced");
        }
        due
    }

    /// Forgets a case that is less urgent than this: people may be alerted to it once more.
    fn make_room(&mut self, than: usize) -> bool {
        let cases = self.0.keys().filter(|(_, case)| urgency(case) > than);
        let Some(least) = cases.max_by_key(|(_, case)| urgency(case)).cloned() else {
            return false;
        };
        self.0.remove(&least).is_some()
    }

    /// People were alerted to these.
    pub fn remember(&mut self, findings: &[&Finding], now: Timestamp) {
        for finding in findings {
            if let Some(entry) = self.0.get_mut(&finding.case_of()) {
                (entry.at, entry.gone) = (Some(now.seconds()), None);
                entry.size = match is_uncovered(finding.case) {
                    true => finding.size,
                    false => entry.size.max(finding.size),
                };
            }
        }
    }

    /// Forgets cases that are gone: of ended jobs at once, because another job may have the name, and of the
    /// others once it is certain that they would be announced again.
    pub fn forget(&mut self, is_in_progress: impl Fn(&JobId) -> bool, now: Timestamp) {
        let since = |at: i64| now.seconds().saturating_sub(at);
        self.0.retain(|(job, _), entry| match (entry.gone, entry.at) {
            (None, _) => true,
            (Some(_), _) if !is_in_progress(job) => false,
            (Some(gone), None) => since(gone) < WAITED_FOR,
            (Some(_), Some(at)) => since(at) < REPEAT,
        });
    }

    /// Reads `<case> <first> <at> <gone> <size>`, where 0 is none.
    pub fn read(&mut self, job: JobId, text: &str) -> Option<()> {
        let mut words = text.split(' ');
        let case = words.next()?.to_owned();
        let mut number = || words.next()?.parse::<i64>().ok();
        let [first, at, gone, size] = [number()?, number()?, number()?, number()?];
        let size = u8::try_from(size).ok()?;
        let is_set = |at: i64| Some(at).filter(|at| *at != 0);
        self.0.insert((job, case), Entry { first, at: is_set(at), gone: is_set(gone), size });
        Some(())
    }

    /// Writes a line for each, with an exclamation mark.
    pub fn write(&self, text: &mut String) {
        for ((job, case), Entry { first, at, gone, size }) in &self.0 {
            let (at, gone) = (at.unwrap_or(0), gone.unwrap_or(0));
            // Writing to a string does not fail.
            let _ = write!(text, "\n!{job} {case} {first} {at} {gone} {size}");
        }
    }
}

/// For how many seconds a case has to stand before people are alerted to it.
fn patience(case: &str) -> i64 {
    match case {
        UNGUARDED => ARMED_WITHIN,
        case if is_uncovered(case) => ARMED_WITHIN,
        BLIND => FIRST_LOOKED_AT_WITHIN,
        OPTED_OUT => LONGER_THAN_A_DRILL,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::finding::UNCOVERED_SLOW;

    fn finding(job: &str, case: &'static str) -> Finding {
        Finding::new(&JobId::new(job).unwrap(), case, String::new())
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_seconds(1_790_000_000 + 60 * minute)
    }

    /// A minute in which everything that is due is announced. Returns that.
    fn minute(announced: &mut Announced, minute: i64, findings: &[Finding]) -> Vec<CaseOf> {
        let due = announced.due(findings, at(minute));
        announced.remember(&due, at(minute));
        let due: Vec<CaseOf> = due.into_iter().map(Finding::case_of).collect();
        announced.forget(|job| job.as_str() != "ended", at(minute));
        let mut text = String::new();
        announced.write(&mut text);
        let mut read = Announced::default();
        for line in text.lines().skip(1) {
            let (job, rest) = line.strip_prefix('!').unwrap().split_once(' ').unwrap();
            read.read(JobId::new(job).unwrap(), rest).unwrap();
        }
        assert_eq!(read, *announced);
        due
    }

    #[test]
    fn a_standing_case_is_announced_once_and_does_not_hide_the_next() {
        let mut announced = Announced::default();
        let one = [finding("a", "overdue")];
        let two = [finding("a", "overdue"), finding("b", "overdue")];
        let other = [finding("a", "overcounted"), finding("b", "overdue")];
        assert_eq!(minute(&mut announced, 0, &one), [one[0].case_of()]);
        for next in 1..200 {
            assert_eq!(minute(&mut announced, next, &one), []);
        }
        assert_eq!(minute(&mut announced, 200, &two), [two[1].case_of()]);
        assert_eq!(minute(&mut announced, 201, &other), [other[0].case_of()]);
    }

    #[test]
    fn a_job_has_to_stay_unguarded_for_some_minutes() {
        let mut announced = Announced::default();
        let unguarded = [finding("a", UNGUARDED)];
        let said: Vec<usize> =
            (0..6).map(|at| minute(&mut announced, at, &unguarded).len()).collect();
        assert_eq!(said, [0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn what_comes_back_after_an_hour_is_announced_again() {
        let mut announced = Announced::default();
        let one = [finding("a", "overdue")];
        assert_eq!(minute(&mut announced, 0, &one).len(), 1);
        minute(&mut announced, 1, &[]);
        // It is back too soon, and stays.
        let said: Vec<i64> =
            (2..100).filter(|at| !minute(&mut announced, *at, &one).is_empty()).collect();
        assert_eq!(said, [60]);
        // An ended job's name may be another's.
        let ended = [finding("ended", "uncounted")];
        assert_eq!(minute(&mut announced, 100, &ended).len(), 1);
        minute(&mut announced, 101, &[]);
        assert_eq!(minute(&mut announced, 102, &ended).len(), 1);
    }

    #[test]
    fn a_case_that_grows_is_announced_again() {
        let mut announced = Announced::default();
        let said: Vec<usize> = [5, 15, 16, 5, 63, 64, 5_000]
            .iter()
            .zip(0..)
            .map(|(number, at)| {
                let one = [finding("a", "overdue").of(*number)];
                minute(&mut announced, at, &one).len()
            })
            .collect();
        assert_eq!(said, [1, 0, 1, 0, 0, 1, 1]);
    }

    #[test]
    fn a_way_that_nobody_sees_is_announced_again_for_another_reason() {
        let mut announced = Announced::default();
        let for_reason = |kind| [Finding { size: kind, ..finding("a", UNCOVERED_SLOW) }];
        let said: Vec<i64> = (0..240)
            .filter(|at| {
                let kind = if (70..160).contains(at) { 3 } else { 8 };
                !minute(&mut announced, *at, &for_reason(kind)).is_empty()
            })
            .collect();
        // After the patience that a new one takes; then for each other reason.
        assert_eq!(said, [3, 70, 160]);
        let flapping: Vec<i64> = (240..360)
            .filter(|at| !minute(&mut announced, *at, &for_reason(3 + (*at % 2) as u8)).is_empty())
            .collect();
        assert!(flapping.len() <= 2, "at most once an hour: {flapping:?}");
    }

    #[test]
    fn what_is_urgent_finds_room() {
        let mut announced = Announced::default();
        let mut all: Vec<Finding> =
            (0..MAX_CASES).map(|job| finding(&format!("j{job}"), "name_taken")).collect();
        assert_eq!(minute(&mut announced, 0, &all).len(), MAX_CASES);
        all.push(finding("zz", "muted"));
        all.push(finding("zz", "opted_out"));
        assert_eq!(minute(&mut announced, 1, &all), [all[MAX_CASES].case_of()]);
    }

    #[test]
    fn what_could_not_be_published_is_due_again() {
        let mut announced = Announced::default();
        let one = [finding("a", "overdue")];
        assert_eq!(announced.due(&one, at(0)).len(), 1);
        assert_eq!(announced.due(&one, at(1)).len(), 1);
    }

    #[test]
    fn what_cannot_be_remembered_is_not_announced_every_minute() {
        let mut announced = Announced::default();
        let many: Vec<Finding> =
            (0..MAX_CASES + 9).map(|job| finding(&format!("j{job}"), "overdue")).collect();
        assert_eq!(minute(&mut announced, 0, &many).len(), MAX_CASES);
        assert_eq!(minute(&mut announced, 1, &many).len(), 0);
        // Once there is room.
        assert_eq!(minute(&mut announced, 61, &many[9..]).len(), 0);
        assert_eq!(minute(&mut announced, 62, &many[9..]).len(), 9);
    }

    proptest! {
        /// However a case comes and goes, an hour has one alert of it at most; and one that stands longer
        /// than an hour was announced.
        #[test]
        fn a_case_that_flaps_never_floods(found in proptest::collection::vec(any::<bool>(), 1..300)) {
            let mut announced = Announced::default();
            let one = [finding("a", "overdue")];
            let mut said = Vec::new();
            for (now, is_found) in (0_i64..).zip(&found) {
                let findings = if *is_found { one.as_slice() } else { &[] };
                if !minute(&mut announced, now, findings).is_empty() {
                    said.push(now);
                }
            }
            prop_assert!(said.windows(2).all(|pair| pair[1] - pair[0] >= REPEAT / 60), "{said:?}");
            let first = found.iter().position(|is| *is).map(|at| at as i64);
            prop_assert_eq!(said.first().copied(), first);
        }
    }
}
