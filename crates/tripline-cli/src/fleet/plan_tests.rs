//! Runs against a job in memory.

use std::collections::HashSet;
use std::sync::Mutex;

use super::super::device::Outcomes;
use super::super::names::Prefix;
use super::super::value::{Seconds, Share, UpTo};
use super::*;
use crate::aws::job_side::Fate;

/// A job that reaches the first `reaches` devices, is stopped after `stops_after` reports, and
/// throttles the first call of every device.
#[derive(Default)]
struct ThrottlingJob {
    reaches: usize,
    stops_after: usize,
    forced: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    throttled: HashSet<String>,
    known: HashSet<String>,
    started: HashSet<String>,
    reports: Vec<(String, DeviceOutcome)>,
}

impl ThrottlingJob {
    fn call<T>(&self, thing: &str, answer: impl FnOnce(&mut State) -> T) -> Result<T, Failure> {
        let mut state = self.state.lock().unwrap();
        if state.throttled.insert(thing.to_owned()) {
            return Err(Failure::new("DescribeJobExecution", FailureKind::Throttled, "slow down"));
        }
        Ok(answer(&mut state))
    }

    fn stopped(&self, state: &State) -> bool {
        state.reports.len() >= self.stops_after
    }
}

impl JobSide for ThrottlingJob {
    async fn offer(&self, thing: &str) -> Result<Offer, Failure> {
        self.call(thing, |state| {
            if state.known.len() < self.reaches && !self.stopped(state) {
                state.known.insert(thing.to_owned());
            }
            match state.known.contains(thing) {
                true if self.stopped(state) => Offer::Ended,
                true => Offer::Pending,
                false => Offer::Nothing,
            }
        })
    }

    async fn start(&self, thing: &str) -> Result<Taken, Failure> {
        self.call(thing, |state| {
            assert!(state.known.contains(thing), "{thing} took what it was not offered");
            if self.stopped(state) {
                return Taken::TooLate;
            }
            state.started.insert(thing.to_owned());
            Taken::Yes
        })
    }

    async fn report(&self, thing: &str, fate: Fate) -> Result<Taken, Failure> {
        self.call(thing, |state| {
            assert!(state.started.contains(thing), "{thing} reported without having started");
            if self.forced && self.stopped(state) {
                return Taken::TooLate;
            }
            state.reports.push((thing.to_owned(), fate.outcome));
            Taken::Yes
        })
    }

    async fn status(&self) -> Result<JobStatus, Failure> {
        let ended = self.stopped(&self.state.lock().unwrap());
        let name = if ended { "CANCELED" } else { "IN_PROGRESS" }.to_owned();
        Ok(JobStatus { name, ended })
    }
}

fn plan(devices: u32, failed: f64) -> Plan {
    let share = |value| Share::new(value).unwrap();
    let seconds = |value| Seconds::new(value).unwrap();
    Plan {
        names: "demo-".parse::<Prefix>().unwrap().names(devices).collect(),
        behavior: Behavior::new(
            Outcomes::new(share(failed), share(0.0), share(0.0)).unwrap(),
            (seconds(300.0), UpTo::new(0.5).unwrap()),
            (share(0.0), seconds(3600.0)),
            UpTo::new(0.0).unwrap(),
        ),
        seed: 1,
        speedup: "1000000".parse().unwrap(),
        poll: Duration::from_millis(5),
        longest: Duration::from_secs(20),
        looks: Pace::new(10_000, 16),
        acts: Pace::new(10_000, 16),
    }
}

#[tokio::test]
async fn every_device_reports_once() {
    let job = Arc::new(ThrottlingJob { reaches: 50, stops_after: 50, ..Default::default() });
    let (board, status) = plan(50, 0.2).run(Arc::clone(&job)).await.unwrap();
    assert_eq!((board.reported(), board.open(), status.ended), (50, 0, true));
    let reports = &job.state.lock().unwrap().reports;
    let failed = reports.iter().filter(|(_, outcome)| *outcome == DeviceOutcome::Failed).count();
    assert_eq!(board.failed, failed);
    assert!(failed > 0);
    assert_eq!(reports.iter().map(|(thing, _)| thing).collect::<HashSet<_>>().len(), 50);
}

#[tokio::test]
async fn a_stopped_rollout_spares_whom_it_did_not_reach() {
    let job = Arc::new(ThrottlingJob { reaches: 10, stops_after: 10, ..Default::default() });
    let (board, status) = plan(40, 0.0).run(job).await.unwrap();
    assert_eq!((board.succeeded, board.spared, board.open()), (10, 30, 0));
    assert_eq!(status.name, "CANCELED");
}

#[tokio::test]
async fn a_forced_stop_ends_downloads() {
    let job =
        Arc::new(ThrottlingJob { reaches: 20, stops_after: 5, forced: true, ..Default::default() });
    let (board, _) = plan(20, 0.0).run(job).await.unwrap();
    assert_eq!(board.reported(), 5);
    assert_eq!(board.canceled + board.spared, 15);
}

#[tokio::test]
async fn time_that_is_up_leaves_devices_open() {
    let job = Arc::new(ThrottlingJob { reaches: 3, stops_after: 99, ..Default::default() });
    let plan = Plan { longest: Duration::from_millis(300), ..plan(8, 0.0) };
    let (board, status) = plan.run(job).await.unwrap();
    assert_eq!((board.succeeded, board.open(), status.ended), (3, 5, false));
}

#[test]
fn patience_ends() {
    let mut patience = Patience::default();
    let busy = || Failure::new("DescribeJob", FailureKind::Throttled, "slow down");
    for _ in 1..PATIENCE {
        assert!(patience.with(busy()).is_ok());
    }
    assert!(patience.with(busy()).is_err());
    let denied = Failure::new("DescribeJob", FailureKind::Denied, "no");
    assert!(Patience::default().with(denied).is_err());
}
