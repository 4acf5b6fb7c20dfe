//! The gate, in every combination of what it is shown, against a table of rules.

use std::collections::BTreeSet;

use super::*;
use crate::stop::Canceler;

const NOW: i64 = 1_790_000_000;
const DEVICES: u32 = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Job {
    Active,
    JustCompleted,
    SettledCompleted,
    Canceled,
    Gone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bake {
    NotBegun,
    On,
    Over,
    OutOfTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counts {
    Within,
    Over,
    Unknown,
    Nobody,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cleared {
    NotNeeded,
    Open,
    Below,
    NotYet,
    Blind,
    Stalled,
    Never,
}

#[derive(Debug, Clone, Copy)]
struct Case {
    fired: bool,
    job: Job,
    held: bool,
    bake: Bake,
    approved: bool,
    counts: Counts,
    cleared: Cleared,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Wait,
    Go,
    Stop,
    Undecided,
}

/// A row of the table: what it is about, where an empty list is about anything.
struct Row {
    fired: &'static [bool],
    job: &'static [Job],
    held: &'static [bool],
    bake: &'static [Bake],
    approved: &'static [bool],
    counts: &'static [Counts],
    cleared: &'static [Cleared],
    word: Word,
}

const ANY: Row = Row {
    fired: &[],
    job: &[],
    held: &[],
    bake: &[],
    approved: &[],
    counts: &[],
    cleared: &[],
    word: Word::Wait,
};

/// The rules: the first row that is about a case decides it.
const TABLE: &[Row] = {
    use Cleared::{Below, Blind, Never, NotNeeded, NotYet, Open, Stalled};
    use Counts::{Nobody, Over, Unknown, Within};
    use Job::{Active, Canceled, Gone, JustCompleted, SettledCompleted};
    &[
        Row { fired: &[true], word: Word::Stop, ..ANY },
        Row { job: &[Canceled, Gone], word: Word::Stop, ..ANY },
        Row { held: &[true], word: Word::Wait, ..ANY },
        Row { job: &[Active], bake: &[Bake::NotBegun], word: Word::Wait, ..ANY },
        Row { bake: &[Bake::On], word: Word::Wait, ..ANY },
        // A job that has just completed begins its bake then, if it has not before.
        Row { job: &[JustCompleted], bake: &[Bake::NotBegun], word: Word::Wait, ..ANY },
        Row { approved: &[true], word: Word::Go, ..ANY },
        Row { counts: &[Over], word: Word::Undecided, ..ANY },
        // What is asked for is there.
        Row { counts: &[Within], cleared: &[Open], word: Word::Go, ..ANY },
        Row {
            job: &[JustCompleted, SettledCompleted],
            counts: &[Within],
            cleared: &[NotNeeded],
            word: Word::Go,
            ..ANY
        },
        // It is not, and there is no time left for it.
        Row { bake: &[Bake::OutOfTime], word: Word::Undecided, ..ANY },
        Row { job: &[SettledCompleted], word: Word::Undecided, ..ANY },
        Row { job: &[JustCompleted], cleared: &[NotNeeded, Never], word: Word::Undecided, ..ANY },
        // It may still come.
        Row {
            job: &[JustCompleted],
            counts: &[Within, Unknown, Nobody],
            cleared: &[Below, NotYet, Blind, Stalled, Open],
            word: Word::Wait,
            ..ANY
        },
        Row { job: &[Active], word: Word::Wait, ..ANY },
    ]
};

impl Row {
    fn is_about(&self, case: &Case) -> bool {
        fn has<T: PartialEq>(list: &[T], value: &T) -> bool {
            list.is_empty() || list.contains(value)
        }
        has(self.fired, &case.fired)
            && has(self.job, &case.job)
            && has(self.held, &case.held)
            && has(self.bake, &case.bake)
            && has(self.approved, &case.approved)
            && has(self.counts, &case.counts)
            && has(self.cleared, &case.cleared)
    }
}

const RULES: Rules =
    Rules { tolerance: 0.02, bake: 600, decide_within: 7_200, clearance: Needed::Required };

impl Case {
    fn every() -> Vec<Self> {
        use Cleared::{Below, Blind, Never, NotNeeded, NotYet, Open, Stalled};
        let mut all = Vec::new();
        for fired in [false, true] {
            for job in
                [Job::Active, Job::JustCompleted, Job::SettledCompleted, Job::Canceled, Job::Gone]
            {
                for held in [false, true] {
                    for bake in [Bake::NotBegun, Bake::On, Bake::Over, Bake::OutOfTime] {
                        for approved in [false, true] {
                            for counts in
                                [Counts::Within, Counts::Over, Counts::Unknown, Counts::Nobody]
                            {
                                for cleared in
                                    [NotNeeded, Open, Below, NotYet, Blind, Stalled, Never]
                                {
                                    all.push(Self {
                                        fired,
                                        job,
                                        held,
                                        bake,
                                        approved,
                                        counts,
                                        cleared,
                                    });
                                }
                            }
                        }
                    }
                }
            }
        }
        all
    }

    fn ask(&self) -> Answer {
        let counts = |succeeded, unsuccessful, canceled| {
            ObservedCounts::Known(DeviceCounts {
                succeeded,
                unsuccessful,
                canceled,
                ..DeviceCounts::default()
            })
        };
        let job = match self.job {
            Job::Active => ObservedJob::Active,
            Job::JustCompleted => ObservedJob::Completed { at: NOW - 299 },
            // Longer ago than the bake takes, less than a person is given.
            Job::SettledCompleted => ObservedJob::Completed { at: NOW - 600 },
            Job::Canceled => ObservedJob::Canceled(Canceler::Operator),
            Job::Gone => ObservedJob::Gone,
        };
        let seen = Observed {
            now: NOW,
            devices: DEVICES,
            job,
            counts: match self.counts {
                Counts::Within => counts(50, 1, 0),
                Counts::Over => counts(50, 1, 1),
                Counts::Unknown => ObservedCounts::Unknown("access denied"),
                Counts::Nobody => counts(0, 0, 0),
            },
            fired: self.fired.then_some(FiredAlarm { name: "tripline-fw-slow", at: NOW - 9_000 }),
            clearance: match self.cleared {
                // Whatever it is.
                Cleared::NotNeeded => ObservedClearance::Value(0.0),
                Cleared::Open => ObservedClearance::Value(1.3),
                Cleared::Below => ObservedClearance::Value(1.29),
                Cleared::NotYet => ObservedClearance::NotYet,
                Cleared::Blind => ObservedClearance::Blind,
                Cleared::Stalled => ObservedClearance::Stalled,
                Cleared::Never => ObservedClearance::Never(Unclearable::NoList),
            },
            bake_began: match self.bake {
                Bake::NotBegun => None,
                Bake::On => Some(NOW - 599),
                Bake::Over => Some(NOW - 600),
                Bake::OutOfTime => Some(NOW - 7_200),
            },
            approved: self.approved,
            held: self.held,
            clears_at: Some(350),
        };
        let clearance = match self.cleared {
            Cleared::NotNeeded => Needed::NotNeeded,
            _ => Needed::Required,
        };
        ask(&Rules { clearance, ..RULES }, &seen)
    }
}

#[test]
fn every_combination_is_as_the_table_says() {
    let mut used = BTreeSet::new();
    for case in Case::every() {
        let (place, row) =
            TABLE.iter().enumerate().find(|(_, row)| row.is_about(&case)).expect("a row");
        used.insert(place);
        let answer = case.ask();
        let word = match &answer {
            Answer::Wait(waiting) => {
                assert!(!waiting.is_empty(), "{case:?}");
                Word::Wait
            }
            Answer::Go(_) => Word::Go,
            Answer::Stop(_) => Word::Stop,
            Answer::Undecided(missing) => {
                assert!(!missing.is_empty(), "{case:?}");
                Word::Undecided
            }
        };
        assert_eq!(word, row.word, "{case:?} by row {place}: {answer:?}");
    }
    assert_eq!(used.len(), TABLE.len(), "a row is about nothing: {used:?}");
}

#[test]
fn nothing_goes_without_a_person_unless_all_of_it_is_there() {
    for case in Case::every() {
        let Answer::Go(passed) = case.ask() else { continue };
        let is_cleared = match case.cleared {
            Cleared::Open => true,
            Cleared::NotNeeded => case.job != Job::Active,
            _ => false,
        };
        let is_all_there = is_cleared && case.counts == Counts::Within;
        assert!(case.approved || is_all_there, "{case:?}");
        assert_eq!(passed == Passed::Approved, case.approved, "{case:?}");
        assert!(!case.fired && !case.held && case.bake != Bake::On, "{case:?}");
    }
}

#[test]
fn a_person_reads_everything_that_is_missing() {
    let case = Case {
        fired: false,
        job: Job::Active,
        held: false,
        bake: Bake::OutOfTime,
        approved: false,
        counts: Counts::Within,
        cleared: Cleared::Below,
    };
    let text = |case: Case| match case.ask() {
        Answer::Wait(waiting) => texts(&waiting),
        Answer::Undecided(missing) => texts(&missing),
        Answer::Go(passed) => passed.to_string(),
        Answer::Stop(stopped) => stopped.to_string(),
    };
    let clearance = "clearance is 1.2 of 1.3; about 290 more devices would decide it";
    let failed = "2 of 60 devices failed; at most 1 may";
    for (case, expected) in [
        (case, clearance.to_owned()),
        (Case { counts: Counts::Over, ..case }, format!("{failed}; {clearance}")),
        (
            Case { counts: Counts::Unknown, cleared: Cleared::Never, ..case },
            "devices could not be counted: access denied; clearance can never be known: the \
             executions in progress are not listed"
                .to_owned(),
        ),
        (
            Case { counts: Counts::Nobody, cleared: Cleared::NotNeeded, ..case },
            "no device has the firmware; the job has not completed".to_owned(),
        ),
        // Also what people will be asked about once the bake is over.
        (
            Case { held: true, bake: Bake::On, counts: Counts::Over, cleared: Cleared::Open, ..case },
            format!("the rollout is held; the bake lasts until 2026-09-21T14:13:21Z; {failed}"),
        ),
        (
            Case { bake: Bake::NotBegun, cleared: Cleared::NotYet, ..case },
            "the bake has not begun: not every device has been notified; clearance is not known yet"
                .to_owned(),
        ),
        (
            Case { fired: true, ..case },
            "alarm `tripline-fw-slow` fired at 2026-09-21T11:43:20Z".to_owned(),
        ),
        (Case { job: Job::Canceled, ..case }, "an operator stopped the rollout".to_owned()),
        (Case { job: Job::Gone, ..case }, "somebody deleted the job".to_owned()),
        (Case { approved: true, ..case }, "a person approved".to_owned()),
        (Case { cleared: Cleared::Open, ..case }, "clearance is open: 1.3 of 1.3".to_owned()),
        (
            Case { job: Job::JustCompleted, cleared: Cleared::NotNeeded, ..case },
            "the job completed: 50 of 60 devices succeeded".to_owned(),
        ),
    ] {
        assert_eq!(text(case), expected, "{case:?}");
    }
}

fn texts(all: &[impl std::fmt::Display]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[test]
fn a_completed_job_is_judged_by_its_failures_and_alarms_alone() {
    let counts = |succeeded, unsuccessful| {
        ObservedCounts::Known(DeviceCounts {
            succeeded,
            unsuccessful,
            removed: 500,
            ..DeviceCounts::default()
        })
    };
    let alarm = Some(FiredAlarm { name: "tripline-fw-slow", at: 7 });
    let too_many = |without, devices, allowed| {
        Answer::Undecided(vec![Missing::OverTolerance { without, devices, allowed }])
    };
    for (tolerance, counts, fired, expected) in [
        (0.02, counts(49, 1), None, Answer::Go(Passed::Completed { succeeded: 49, devices: 50 })),
        (0.02, counts(48, 2), None, too_many(2, 50, 1)),
        (0.0, counts(49, 1), None, too_many(1, 50, 0)),
        (0.02, counts(0, 0), None, Answer::Undecided(vec![Missing::Success])),
        (
            0.02,
            ObservedCounts::Unknown("denied"),
            None,
            Answer::Undecided(vec![Missing::Counts("denied".to_owned())]),
        ),
        (
            1.0,
            counts(50, 0),
            alarm,
            Answer::Stop(Stopped::Fired { alarm: "tripline-fw-slow".to_owned(), at: 7 }),
        ),
    ] {
        assert_eq!(after_completion(tolerance, counts, fired), expected);
    }
}

#[test]
fn a_tolerance_is_a_share_of_whole_devices() {
    for (tolerance, devices, allowed) in [
        (0.0, 1_000, 0),
        (0.02, 49, 0),
        (0.02, 50, 1),
        (0.02, 99, 1),
        (0.29, 100, 29),
        (0.07, 100, 7),
        (1.0, u32::MAX, u32::MAX),
        (f64::NAN, 100, 0),
    ] {
        let rules = Rules { tolerance, ..RULES };
        assert_eq!(rules.allowed(devices), allowed, "{tolerance} of {devices}");
    }
}

#[test]
fn how_many_more_devices_are_needed_is_said_roughly() {
    for (clears_at, devices, expected) in [
        (Some(61), 60, Some("about 1 more device would decide it")),
        (Some(77), 60, Some("about 17 more devices would decide it")),
        (Some(341), 60, Some("about 290 more devices would decide it")),
        (Some(1_060), 60, Some("about 1000 more devices would decide it")),
        (Some(u32::MAX), 0, Some("about 4294967295 more devices would decide it")),
        (Some(60), 60, None),
        (None, 60, None),
    ] {
        let more = MoreDevices::needed(clears_at, devices).map(|more| more.to_string());
        assert_eq!(more.as_deref(), expected);
    }
}

#[test]
fn what_reads_as_clearance_is_rounded_down_but_for_binary_fractions() {
    for (value, tenths) in
        [(0.0, "0.0"), (0.3, "0.3"), (1.2, "1.2"), (1.2999, "1.2"), (12.34, "12.3")]
    {
        let missing = Missing::Clearance { value, more: None };
        assert_eq!(missing.to_string(), format!("clearance is {tenths} of 1.3"));
        let passed = Passed::Cleared { value };
        assert_eq!(passed.to_string(), format!("clearance is open: {tenths} of 1.3"));
    }
}

#[test]
fn whoever_waits_for_the_job_s_end_reads_how_many_devices_it_takes() {
    let rules = Rules { clearance: Needed::NotNeeded, ..RULES };
    let waits_for = |in_progress, queued| {
        let counts = DeviceCounts { succeeded: 9, in_progress, queued, ..DeviceCounts::default() };
        let seen = Observed {
            now: NOW,
            devices: DEVICES,
            job: ObservedJob::Active,
            counts: ObservedCounts::Known(counts),
            fired: None,
            clearance: ObservedClearance::NotYet,
            bake_began: Some(NOW - 600),
            approved: false,
            held: false,
            clears_at: None,
        };
        let Answer::Wait(waiting) = ask(&rules, &seen) else { panic!("it has not completed") };
        texts(&waiting)
    };
    assert_eq!(waits_for(3, 4), "the job has not completed: 7 devices are not finished");
    assert_eq!(waits_for(0, 1), "the job has not completed: 1 device is not finished");
    assert_eq!(waits_for(0, 0), "the job has not completed");
}
