//! Guards that stop, and what they see.

use super::*;
use crate::evaluation::{Interpolation, Series};
use tripline::alarm::Topic;
use tripline::batch::Batch;
use tripline::event::{EventId, ExecutionEnding, ExecutionEvent};
use tripline::job::JobId;
use tripline::metric::{DownloadTime, Metric, Outcome};
use tripline::recent::RecentEvents;
use tripline::rollout::{AbortCriterion, FailureType, Threshold};

/// Looks every minute, and stops at a given minute.
struct Clockwork {
    stop_at: u64,
    mode: StopMode,
}

impl GuardPlan for Clockwork {
    fn name(&self) -> String {
        "clockwork".to_owned()
    }

    fn metrics(&self) -> Vec<Metric> {
        vec![Metric::DownloadTime, Metric::Count(Outcome::Failed)]
    }

    fn reaction(&self) -> Reaction {
        Reaction { mode: self.mode, delay: Elapsed::from_seconds(30) }
    }

    fn guard(&self, start: Timestamp, _: &mut Random) -> Box<dyn Guard> {
        Box::new(Clock { start, stop_at: Elapsed::from_minutes(self.stop_at).at(start), seen: 0 })
    }
}

struct Clock {
    start: Timestamp,
    stop_at: Timestamp,
    seen: u64,
}

impl Guard for Clock {
    fn schedule(&self) -> Schedule {
        Schedule::Every { first: self.start, seconds: 60 }
    }

    fn evaluate(&mut self, live: &Live<'_>) -> Verdict {
        // What a guard can see is consistent in itself, and never from the future.
        let (now, executed) = (live.now(), live.endings.executed());
        assert!(live.in_progress().all(|seconds| seconds <= now.seconds_after(live.start) as f64));
        assert!(live.in_progress().count() as u32 + executed <= live.notified());
        let series = live.series(Metric::DownloadTime);
        let published = series.count(i64::MIN, i64::MAX);
        assert!(published <= u64::from(executed) && published >= self.seen);
        assert_eq!(series.count(now.seconds(), i64::MAX), 0);
        self.seen = published;
        if now >= self.stop_at {
            Verdict::Stop { reason: format!("{published} published") }
        } else {
            Verdict::Continue
        }
    }
}

fn stopped_at(minute: u64, mode: StopMode) -> RolloutOutcome {
    let mut scenario = at_rate(Fleet { failing: share(0.1), ..Fleet::healthy(3_000) }, 100);
    scenario.horizon = Some(Elapsed::from_minutes(120));
    Simulator::new(&scenario, &[&Clockwork { stop_at: minute, mode }]).run(1, 0, Detail::Full)
}

#[test]
fn a_cancel_spares_the_queued_and_leaves_the_others_alone() {
    let outcome = stopped_at(10, StopMode::Cancel);
    let (firing, effect) = outcome.stop().unwrap();
    assert_eq!((firing.at, effect.at), (Elapsed::from_minutes(10), Elapsed::from_seconds(630)));
    assert_eq!(effect.reached.notified, 1_051);
    assert_eq!(effect.reached.exposed, outcome.end.exposed);
    let (at_stop, end) = (effect.reached.progress, outcome.end.progress);
    assert_eq!(end.canceled, at_stop.queued);
    assert_eq!(end.ended.executed(), at_stop.ended.executed() + at_stop.in_progress);
    assert_eq!((end.open(), outcome.end.notified), (0, 1_051));
    assert_eq!(outcome.spared(), 3_000 - effect.reached.exposed);
}

#[test]
fn an_abort_cancels_those_in_progress_too() {
    let outcome = stopped_at(10, StopMode::Abort);
    let (_, effect) = outcome.stop().unwrap();
    let (at_stop, end) = (effect.reached.progress, outcome.end.progress);
    assert_eq!(end.canceled, at_stop.queued + at_stop.in_progress);
    assert_eq!(end.ended, at_stop.ended);
    assert_eq!((end.open(), outcome.end.exposed), (0, effect.reached.exposed));
}

#[test]
fn observing_stops_nothing_and_says_what_would_have_been() {
    let outcome = stopped_at(10, StopMode::Observe);
    assert_eq!(outcome.stop(), None);
    assert_eq!((outcome.exposed(), outcome.end.progress.open()), (3_000, 0));
    let canceled = stopped_at(10, StopMode::Cancel);
    assert_eq!(outcome.firings[0].effect, canceled.firings[0].effect);
}

#[test]
fn a_stop_after_the_end_is_none() {
    assert_eq!(stopped_at(100, StopMode::Cancel).stop(), None);
}

#[test]
fn an_alarm_that_alerts_only_people_stops_nothing() {
    let (_, alarm) = read(SAMPLE);
    let mode = |topics| {
        AlarmPlan::new(AlarmDefinition { topics, ..alarm.clone() }, StopMode::Cancel).reaction.mode
    };
    assert_eq!(mode(vec![Topic::Email, Topic::Sms]), StopMode::Observe);
    assert_eq!(mode(vec![Topic::Email, Topic::ForceStop]), StopMode::Cancel);
    let arn = |name: &str| {
        vec![Topic::parse(&format!("arn:aws:sns:us-east-1:111122223333:{name}")).unwrap()]
    };
    assert_eq!(mode(arn("on-call")), StopMode::Observe);
    assert_eq!(mode(arn("ota-force-stopper")), StopMode::Cancel);
}

#[test]
fn the_first_guard_stops_and_traces_go_on() {
    let (rollout, alarm) = read(SAMPLE);
    let (alarm, never) = (
        AlarmPlan::new(alarm, StopMode::Cancel),
        Clockwork { stop_at: 10_000, mode: StopMode::Cancel },
    );
    let plans: [&dyn GuardPlan; 2] = [&never, &alarm];
    let scenario =
        Scenario::new(fleet(9_000, 0.1), RolloutConfig { abort: Vec::new(), ..rollout }, START);
    let full = Simulator::new(&scenario, &plans).run(3, 0, Detail::Full);
    let (firing, effect) = full.stop().unwrap();
    assert_eq!(firing.guard, 1);
    assert!(
        firing.reason.starts_with("Threshold Crossed: 3 out of the last 5 datapoints ["),
        "{}",
        firing.reason
    );
    assert!(firing.reason.ends_with("] were greater than the threshold (3600.0) (minimum 3 datapoints for OK -> ALARM transition)."), "{}", firing.reason);
    let record = full.record.as_ref().unwrap();
    let trace = record.traces[1].as_ref().unwrap();
    assert!(trace.readings.len() as f64 >= effect.at.minutes());
    assert!(record.minutes.len() as f64 > effect.at.minutes());
    // A summary ends with the stop, and says the same of it.
    let summary = Simulator::new(&scenario, &plans).run(3, 0, Detail::Summary);
    assert_eq!(summary.stop(), full.stop());
    assert_eq!((summary.ended_at, summary.end.exposed), (effect.at, effect.reached.exposed));
    assert_eq!(summary.end.progress.canceled, effect.reached.progress.queued);
}

#[test]
fn studies_do_not_depend_on_threads_and_their_runs_can_be_repeated() {
    let (rollout, _) = read(SAMPLE);
    let scenario = at_rate(Fleet { failing: share(0.05), ..Fleet::healthy(300) }, 100);
    let abort = AbortPlan::new(rollout.abort);
    let with = |threads| {
        let runs = Runs { seed: 9, runs: 40, threads: NonZeroUsize::new(threads).unwrap() };
        Study::new(&scenario, &[&abort], runs, &|_| {})
    };
    let study = with(1);
    assert_eq!(study, with(2));
    assert_eq!(study, with(7));
    let plans: [&dyn GuardPlan; 1] = [&abort];
    let mut simulator = Simulator::new(&scenario, &plans);
    let stopped =
        (0..40).filter(|run| simulator.run(9, *run, Detail::Summary).stop().is_some()).count();
    assert_eq!(u32::try_from(stopped), Ok(study.stopped.count));
    assert!((1..40).contains(&stopped));
}

#[test]
fn progress_is_reported_after_each_run() {
    let reported = std::sync::Mutex::new(Vec::new());
    let runs = Runs { seed: 1, runs: 20, threads: NonZeroUsize::new(2).unwrap() };
    Study::new(&at_rate(Fleet::healthy(10), 10), &[], runs, &|done| {
        reported.lock().unwrap().push(done)
    });
    let mut reported = reported.into_inner().unwrap();
    reported.sort_unstable();
    assert_eq!(reported, (1..=20).collect::<Vec<_>>());
}

#[test]
fn metrics_are_those_that_the_generator_publishes() {
    // The same endings, once as the simulation keeps them, once as events through the batch.
    let mut metrics = store::Metrics::new(START, Elapsed::from_seconds(5), true);
    metrics.reset(Metric::ALL);
    let mut events = Vec::new();
    for number in 0..500_u32 {
        let at = Elapsed::from_millis(u64::from(number) * 777);
        let outcome = if number % 7 == 0 { Outcome::Failed } else { Outcome::Succeeded };
        let minute = u32::try_from(at.minute()).unwrap();
        let (download, retries) = (number * 31, u16::try_from(number % 4).unwrap());
        metrics.report(store::SampledEnding { at, minute, outcome, download, retries });
        events.push(ExecutionEvent {
            id: EventId::new(&number.to_string()).ok(),
            job: JobId::new("fw-2").unwrap(),
            ending: Some(ExecutionEnding {
                outcome,
                download_time: DownloadTime::new(f64::from(download) / 10.0).ok(),
                retry_count: tripline::metric::RetryCount::new(retries.into()).ok(),
                invalid: Vec::new(),
            }),
            at: Some(at.at(START)),
        });
    }
    metrics.arrive(Elapsed::from_minutes(60));
    let batch = Batch::new(events.iter().enumerate(), &RecentEvents::new(0), START);
    for metric in Metric::ALL {
        let mut published = Series::new(60);
        let datums = batch.requests.iter().flat_map(|request| &request.datums);
        assert!(
            datums.filter(|datum| datum.metric == metric).all(|datum| published.add_datum(datum))
        );
        for minute in 0..8 {
            let slot = (START.seconds() + minute * 60, START.seconds() + minute * 60 + 60);
            for statistic in ["SampleCount", "Sum", "p50", "p99"] {
                let of = |series: &Series| {
                    let statistic = tripline::alarm::Statistic::parse(statistic).unwrap();
                    series.statistic(slot, statistic, Interpolation::Histogram, &mut Vec::new())
                };
                assert_eq!(
                    of(metrics.series(metric)),
                    of(&published),
                    "{metric}, minute {minute}, {statistic}"
                );
            }
        }
    }
}

#[test]
fn a_firing_is_not_forgotten_when_another_guard_stops() {
    let threshold = Threshold::new(100.0).unwrap();
    let abort = AbortPlan::new(vec![AbortCriterion {
        failure: FailureType::Failed,
        threshold,
        min_executed: 1,
    }]);
    let observer = Clockwork { stop_at: 0, mode: StopMode::Observe };
    let scenario = at_rate(Fleet { failing: Share::ALL, ..Fleet::healthy(1_000) }, 10);
    let outcome = Simulator::new(&scenario, &[&observer, &abort]).run(1, 0, Detail::Summary);
    let guards: Vec<usize> = outcome.firings.iter().map(|firing| firing.guard).collect();
    assert_eq!((guards, outcome.stopped_by), (vec![0, 1], Some(1)));
    assert!(outcome.firings.iter().all(|firing| firing.effect.is_some()));
}
