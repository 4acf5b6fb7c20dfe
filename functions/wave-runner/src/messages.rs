//! What people read about a release.

use tripline::announcement::{MAX_SMS, MAX_SUBJECT};
use tripline::job::{ExecutionCounts, JobId};
use tripline::release::hold::{Hold, OnHoldFailed};
use tripline::release::{State, WaveState};
use tripline::text::{ascii, bare_name, clean};
use tripline_aws::Failure;

/// Most characters of a reason.
const MAX_REASON: usize = 600;

/// A message: whole for e-mail, short for SMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub subject: String,
    pub body: String,
    pub sms: Option<String>,
}

impl Message {
    fn new(subject: &str, body: String, sms: Option<&str>) -> Self {
        Self { subject: ascii(subject, MAX_SUBJECT), body, sms: sms.map(|sms| ascii(sms, MAX_SMS)) }
    }

    /// A release does not go on, because of one of its waves.
    pub fn stopped(state: &State, wave: &WaveState, why: &str, now: &Stopped) -> Self {
        let (release, name) = (&state.release, &wave.name);
        let why = clean(why, MAX_REASON);
        let mut body = format!(
            "Tripline stopped release {release} at wave {name}.\n\nwhy      {why}\nwaves    {}\nexposed  at most {} devices, of waves that have begun\n",
            progress(state),
            state.exposed()
        );
        if let Some(counts) = &now.counts {
            let (ok, failed) = (counts.ended.succeeded, counts.ended.unsuccessful());
            body += &format!(
                "wave     {ok} succeeded, {failed} unsuccessful, {} at work, {} not begun\n",
                counts.in_progress, counts.queued
            );
        }
        for job in &now.canceled {
            body += &format!("stopped  job {job}\n");
        }
        for (job, why) in &now.not_canceled {
            body += &format!(
                "NOT STOPPED: job {job} goes on ({}). Tripline retries every minute; by hand: tripline stop --job-id {job}\n",
                clean(&why.in_short(), MAX_REASON)
            );
        }
        for job in &now.going_on {
            body += &format!(
                "goes on: job {job}, because no alarm asks for its stop. Stop it: tripline stop --job-id {job}\n"
            );
        }
        body += "\nNo further wave begins. Devices that have the firmware keep it:\n";
        for wave in state.waves.iter().filter(|wave| wave.created.is_some()) {
            body += &format!("  tripline revert --job-id {} --dry-run\n", wave.job);
        }
        body += "says how many they are, and how they get an earlier one.\n";
        let sms = format!("Tripline stopped release {release} at wave {name}: {why}");
        Self::new(&format!("Tripline stopped release {release} at wave {name}"), body, Some(&sms))
    }

    /// A person has to decide about a wave that is rolled out.
    pub fn undecided(state: &State, wave: &WaveState) -> Self {
        let (release, name) = (&state.release, &wave.name);
        let body = format!(
            "The gate of wave {name} of release {release} cannot decide, so a person has to.\n\n{}\nwaves    {}\n\nApprove the next wave: tripline release approve {release} --wave {name}\nOr stop the release:   tripline release stop {release}\nCheck the release:     tripline release status {release}\n",
            reasons(wave),
            progress(state),
        );
        let sms = format!(
            "Tripline: wave {name} of {release} is undecided. tripline release approve, or stop"
        );
        let subject = format!("Tripline asks: may release {release} go on after wave {name}?");
        Self::new(&subject, body, Some(&sms))
    }

    /// A person has to let a wave begin.
    pub fn approval(state: &State, wave: &WaveState) -> Self {
        let (release, name) = (&state.release, &wave.name);
        let body = format!(
            "Wave {name} of release {release} ({} devices) begins once a person approves it.\n\nwaves    {}\n\nApprove the wave:    tripline release approve {release} --wave {name}\nOr stop the release: tripline release stop {release}\n",
            wave.devices,
            progress(state),
        );
        let sms = format!("Tripline: wave {name} of {release} waits for tripline release approve");
        let subject = format!("Tripline asks: may wave {name} of release {release} begin?");
        Self::new(&subject, body, Some(&sms))
    }

    /// Every wave was let through.
    pub fn done(state: &State) -> Self {
        let release = &state.release;
        let body = format!(
            "Release {release} is complete: every gate opened.\n\n{}",
            state
                .waves
                .iter()
                .map(|wave| format!(
                    "  {}  {} devices, job {}\n",
                    wave.name, wave.devices, wave.job
                ))
                .collect::<String>()
        );
        Self::new(&format!("Tripline: release {release} is out"), body, None)
    }

    /// A release cannot go on, for another reason than its devices.
    pub fn broken(state: &State, error: &str, cause: &str) -> Self {
        let release = &state.release;
        let body = format!(
            "Release {release} could NOT go on and has ended.\n\nwhy      {}: {}\nwaves    {}\n\nNo further wave begins; the jobs of earlier waves go on, guarded.\nFix the cause, then start the release again: tripline release start\n",
            bare_name(error.strip_prefix("Tripline.").unwrap_or(error)),
            clean(cause, MAX_REASON),
            progress(state),
        );
        let subject = format!("Tripline could NOT go on with release {release}");
        Self::new(&subject, body, Some(&subject))
    }

    /// Nobody has looked at a release for a while.
    pub fn unwatched(state: &State, wave: &WaveState) -> Self {
        let release = &state.release;
        let subject = format!("Tripline: release {release} was not checked for a while");
        let body = format!(
            "The wave-runner did not check wave {} of release {release} for some time. The state machine retries, and the release goes on.\n\nCheck the errors and the schedule of the function wave-runner.\n",
            wave.name
        );
        Self::new(&subject, body, None)
    }

    /// A rollout that was to be held goes on. `canceled`: what came of canceling it.
    pub fn not_held(job: &JobId, hold: &Hold, notified: u32, canceled: Result<(), &str>) -> Self {
        let before = hold.since.map_or(0, |(_, before)| before);
        let what = match (hold.on_failed, canceled) {
            (OnHoldFailed::Alert, _) => {
                format!("It goes on. Stop it: tripline stop --job-id {job}")
            }
            (OnHoldFailed::Cancel, Ok(())) => "It was stopped instead.".to_owned(),
            (OnHoldFailed::Cancel, Err(why)) => format!(
                "It could NOT be stopped either ({}). Stop it now: tripline stop --job-id {job}",
                clean(why, MAX_REASON)
            ),
        };
        let body = format!(
            "Tripline could not hold rollout {job}: it went on from {before} to {notified} notified devices.\n\n{what}\n\nheld by  {}\n",
            clean(&hold.by, 256)
        );
        let subject = format!("Tripline could NOT hold rollout {job}");
        let sms = format!("{subject}. {what}");
        Self::new(&subject, body, Some(&sms))
    }
}

/// What became of the jobs of a release that was stopped.
#[derive(Debug, Default)]
pub(crate) struct Stopped {
    /// The counts of the wave's job.
    pub counts: Option<ExecutionCounts>,
    /// Jobs that were canceled for it.
    pub canceled: Vec<JobId>,
    /// Jobs that could not be, and why.
    pub not_canceled: Vec<(JobId, Failure)>,
    /// Jobs that go on.
    pub going_on: Vec<JobId>,
}

fn progress(state: &State) -> String {
    let waves = state.waves.iter().map(|wave| format!("{}: {}", wave.name, wave.phase));
    waves.collect::<Vec<_>>().join(", ")
}

fn reasons(wave: &WaveState) -> String {
    wave.reasons.iter().map(|reason| format!("missing  {}\n", clean(reason, MAX_REASON))).collect()
}

#[cfg(test)]
mod tests {
    use tripline::release::hold::Rates;
    use tripline::release::{Phase, Plan};
    use tripline_aws::FailureKind;

    use super::*;
    use crate::tests::plan;

    const HOSTILE: &str = "alarm `x\u{1f600}\r\nBcc: a@b` \u{202e}fired";

    fn state() -> State {
        let mut plan: Plan = plan(&["canary", "early"]);
        plan.by = HOSTILE.to_owned();
        let mut state = State::new(&plan);
        state.waves[0].enter(Phase::Stopped, 9);
        state.waves[0].created = Some(5);
        state.waves[0].reasons = vec![HOSTILE.to_owned()];
        state
    }

    fn hold() -> Hold {
        Hold {
            created: 1,
            at: 2,
            by: HOSTILE.to_owned(),
            is_alarm: true,
            rates: Rates::default(),
            on_failed: OnHoldFailed::Cancel,
            since: Some((3, 10)),
            proof: None,
            went_on: None,
            times: 0,
        }
    }

    fn all() -> Vec<Message> {
        let state = state();
        let wave = &state.waves[0];
        let job = &wave.job;
        let failure = || Failure::new("CancelJob", FailureKind::Throttled, HOSTILE);
        let came_to = Stopped {
            counts: Some(ExecutionCounts { in_progress: 7, ..ExecutionCounts::default() }),
            canceled: vec![job.clone()],
            not_canceled: vec![(job.clone(), failure())],
            going_on: vec![job.clone()],
        };
        vec![
            Message::stopped(&state, wave, &HOSTILE.repeat(99), &came_to),
            Message::undecided(&state, wave),
            Message::approval(&state, wave),
            Message::done(&state),
            Message::broken(&state, "Tripline.Refused", &HOSTILE.repeat(99)),
            Message::unwatched(&state, wave),
            Message::not_held(job, &hold(), 99, Ok(())),
            Message::not_held(job, &hold(), 99, Err(HOSTILE)),
        ]
    }

    #[test]
    fn every_message_fits_whatever_is_in_it() {
        for Message { subject, body, sms } in all() {
            assert!(subject.is_ascii() && subject.len() <= MAX_SUBJECT, "{subject}");
            assert!(sms.is_none_or(|sms| sms.is_ascii() && sms.len() <= MAX_SMS));
            assert!(!body.contains('\r') && !body.contains("\nBcc"), "{body}");
        }
    }

    #[test]
    fn every_message_says_which_release_and_what_to_do() {
        let lines = [
            "stopped  job wave-pump-9-canary\nNOT STOPPED: job wave-pump-9-canary goes on (CancelJob: throttled)",
            "tripline release approve pump-9 --wave canary\n",
            "tripline release approve pump-9 --wave canary\n",
            "canary  10 devices, job wave-pump-9-canary",
            "start the release again: tripline release start",
            "schedule of the function wave-runner",
            "from 10 to 99 notified devices.\n\nIt was stopped instead.",
            "Stop it now: tripline stop --job-id wave-pump-9-canary",
        ];
        for (message, line) in all().iter().zip(lines) {
            assert!(message.body.contains(line), "{}\n{}", message.subject, message.body);
            assert!(message.subject.contains("pump-9"), "{}", message.subject);
        }
        let why = &all()[4].body;
        assert!(why.contains("why      Refused: alarm"), "{why}");
    }
}
