use proptest::prelude::*;
use tripline::alarm::AlarmDefinition;
use tripline::job::{EndedCounts, ExecutionCounts};
use tripline::rollout::RolloutConfig;
use tripline::stop::StopMode;
use tripline::time::Timestamp;
use tripline_config::AlarmConfig;
use tripline_simulation::simulation::{
    AlarmPlan, Detail, Elapsed, EvidenceTrace, Fleet, GuardPlan, Reached, Record, Scenario, Share,
    Simulator, Study,
};

use super::comparison::{Compared, Comparison};
use super::*;

const HOSTILE: &str = "</title><script>alert(1)</script><img src=x onerror='alert(2)'>&\"\u{202e}";
const START: Timestamp = Timestamp::from_seconds(1_767_225_600);

fn config(threshold: u32) -> (RolloutConfig, AlarmDefinition) {
    let name = HOSTILE.replace('\u{202e}', "").replace(',', ";");
    let text = format!(
        "[DEFAULT]\nuseJobExecutionsRolloutConfig = True\n[JOB_EXECUTE_ROLLOUT_CONFIG]\nmaximumPerMinute = 20\n\
         [ALARM_CONFIG]\nalarmList = Slow\n[ALARM_CONFIG_Slow]\nnamespace = IoT:OTA:JobExecution\nmetricName = downloadTime\n\
         stat = p90\nperiod = 60\nthreshold = {threshold}\nalarmType = upper\nevaluationPeriods = 3\ndatapointsToAlarm = 2\n\
         snsTopics = @force-stop\n"
    );
    let mut alarm = AlarmConfig::parse("x", &text).unwrap().alarms.remove(0);
    alarm.name = tripline::alarm::AlarmName::new(&name).unwrap();
    (tripline_config::parse_rollout("x", &text).unwrap(), alarm)
}

/// Draws a rollout under an alarm.
fn drawn<T>(threshold: u32, draw: impl FnOnce(&Picture<'_>) -> T) -> T {
    let (rollout, alarm) = config(threshold);
    let fleet = Fleet { failing: Share::new(0.1).unwrap(), ..Fleet::healthy(400) };
    let scenario = Scenario::new(fleet, rollout, START);
    let plan = AlarmPlan::new(alarm.clone(), StopMode::Cancel);
    let plans: [&dyn GuardPlan; 1] = [&plan];
    let outcome = Simulator::new(&scenario, &plans).run(1, 0, Detail::Full);
    let unguarded = Simulator::new(&scenario, &[]).run(1, 0, Detail::Full).record.unwrap();
    let runs = tripline_simulation::simulation::Runs {
        seed: 1,
        runs: 5,
        threads: std::num::NonZeroUsize::MIN,
    };
    let study = Study::new(&scenario, &plans, runs, &|_| {});
    let stop = outcome.stop().map(|(firing, effect)| StopMark {
        at: effect.at,
        by: HOSTILE.to_owned(),
        reason: firing.reason.clone(),
        reached: effect.reached,
    });
    let record = outcome.record.as_ref().unwrap();
    draw(&Picture {
        title: HOSTILE,
        verdict: HOSTILE.to_owned(),
        stopped: stop.is_some(),
        known: Known::All,
        devices: outcome.devices,
        start: START,
        record,
        unguarded: Some(&unguarded.minutes),
        alarms: vec![AlarmPanel { alarm: &alarm, trace: record.traces[0].as_ref().unwrap() }],
        evidence: Some(&EvidenceTrace {
            threshold: 2.0,
            minutes: (0..200).map(f64::from).collect(),
            brief: HOSTILE.to_owned(),
        }),
        stop,
        facts: vec![Fact { name: HOSTILE.to_owned(), value: HOSTILE.to_owned() }],
        notes: vec![HOSTILE.to_owned()],
        studies: vec![(HOSTILE.to_owned(), &study)],
        made_by: HOSTILE.to_owned(),
    })
}

/// Whether a page is well-formed, and holds nothing that runs or that comes from elsewhere.
fn check(page: &str) {
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let document = roxmltree::Document::parse_with_options(page, options)
        .unwrap_or_else(|error| panic!("{error}\n{page}"));
    let mut ids = Vec::new();
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        let name = node.tag_name().name();
        assert!(
            !["script", "img", "iframe", "object", "a", "use", "image"].contains(&name),
            "<{name}>"
        );
        for attribute in node.attributes() {
            let value = attribute.value();
            match attribute.name() {
                "href" | "src" => assert_eq!(value, "data:,"),
                "id" => ids.push(value.to_owned()),
                other => assert!(!other.starts_with("on") && other != "style", "{other}"),
            }
            assert!(!value.contains("NaN") && !value.contains("inf"), "{value}");
        }
        if name == "svg" {
            let children: Vec<_> =
                node.children().filter(roxmltree::Node::is_element).take(2).collect();
            assert_eq!(children[0].tag_name().name(), "title");
            assert_eq!(children[1].tag_name().name(), "desc");
            assert!(children.iter().all(|child| !child.text().unwrap_or_default().is_empty()));
        }
    }
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all, "an id is given twice");
    assert!(
        !page.contains("http://") || page.matches("http://").count() == 1,
        "only the namespace"
    );
    assert!(!page.contains("https://") && !page.contains('\u{202e}'));
}

#[test]
fn a_page_is_well_formed_and_its_names_are_only_text() {
    for threshold in [400, 600_000] {
        let page = drawn(threshold, html);
        check(&page);
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(page.matches("<svg").count() == 5, "rollout, exposure, evidence, alarm, runs");
        assert_eq!(page.contains("class=\"stop\""), threshold == 400);
    }
}

#[test]
fn a_rollout_of_which_nothing_is_known_is_drawn_too() {
    let record = Record::default();
    let picture = Picture {
        title: "",
        verdict: String::new(),
        stopped: false,
        known: Known::All,
        devices: 0,
        start: START,
        record: &record,
        unguarded: None,
        alarms: Vec::new(),
        evidence: None,
        stop: None,
        facts: Vec::new(),
        notes: Vec::new(),
        studies: Vec::new(),
        made_by: String::new(),
    };
    check(&html(&picture));
    assert!(terminal(&picture, 0).lines().all(|line| line.chars().count() <= 40));
}

#[test]
fn a_comparison_is_well_formed_and_its_names_are_only_text() {
    let (rollout, alarm) = config(400);
    let scenario = Scenario::new(Fleet::healthy(50), rollout, START);
    let plan = AlarmPlan::new(alarm, StopMode::Cancel);
    let runs = tripline_simulation::simulation::Runs {
        seed: 1,
        runs: 2,
        threads: std::num::NonZeroUsize::MIN,
    };
    let study = Study::new(&scenario, &[&plan], runs, &|_| {});
    let compared = |healthy| Compared {
        name: HOSTILE.to_owned(),
        about: HOSTILE.to_owned(),
        healthy,
        studies: vec![study.clone(), study.clone()],
    };
    let page = comparison::html(&Comparison {
        title: HOSTILE.to_owned(),
        devices: 50,
        guards: vec![HOSTILE.to_owned(), "b".to_owned()],
        rollouts: vec![compared(true), compared(false)],
        facts: Vec::new(),
        made_by: HOSTILE.to_owned(),
    });
    check(&page);
    assert!(page.contains("a stop is false") && page.contains("a stop is right"));
}

#[test]
fn a_chart_in_the_terminal() {
    insta::assert_snapshot!(drawn(400, |picture| terminal(picture, 72)));
}

#[test]
fn a_chart_fits_every_width_and_holds_no_control_character() {
    for width in [0, 40, 41, 79, 120, 1_000] {
        for threshold in [400, 600_000] {
            let chart = drawn(threshold, |picture| terminal(picture, width));
            for line in chart.lines() {
                assert!(line.chars().count() <= width.clamp(40, 160), "{width}: {line}");
                assert!(!line.chars().any(char::is_control));
            }
        }
    }
}

fn minute() -> impl Strategy<Value = Reached> {
    let number = || prop_oneof![Just(0_u32), Just(u32::MAX / 16), 0_u32..1_000];
    (number(), number(), number(), number(), number()).prop_map(
        |(notified, exposed, in_progress, succeeded, failed)| {
            let endings = EndedCounts { succeeded, failed, ..EndedCounts::default() };
            Reached {
                notified,
                exposed,
                progress: ExecutionCounts {
                    in_progress,
                    ended: endings,
                    ..ExecutionCounts::default()
                },
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_record_can_be_drawn(minutes in prop::collection::vec(minute(), 0..1_200), devices in 0_u32..2_000, width in 0_usize..200, at in 0_u64..200_000) {
        let record = Record { minutes: minutes.clone(), traces: Vec::new() };
        let picture = Picture {
            title: "any", verdict: String::new(), stopped: true, known: Known::All, devices, start: START, record: &record,
            unguarded: Some(&minutes), alarms: Vec::new(), evidence: None,
            stop: Some(StopMark { at: Elapsed::from_seconds(at), by: String::new(), reason: String::new(), reached: Reached::default() }),
            facts: Vec::new(), notes: Vec::new(), studies: Vec::new(), made_by: String::new(),
        };
        check(&html(&picture));
        let widest = terminal(&picture, width).lines().map(|line| line.chars().count()).max();
        prop_assert!(widest <= Some(width.clamp(40, 160)));
    }
}
