use super::rollout::{RecordedRollout, Spared};
use crate::alarm::AlarmDefinition;
use crate::evaluation::Evaluator;
use crate::job::{Counts, Job, JobState};
use crate::notification::AlarmState;
use crate::simulation::{AlarmPlan, Reading, Trace};
use crate::stop::{Certainty, Decision, JobKnowledge, StopMode, decide};
use crate::time::Timestamp;

/// What the guards of a job would have made of a recorded rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// The alarms that can be replayed, in the order of the config.
    pub alarms: Vec<ReplayedAlarm>,
    /// Alarms on other metrics than Tripline's, of which a recording says nothing.
    pub not_replayed: Vec<AlarmDefinition>,
    /// The stop that the first alarm to fire would have made.
    pub stop: Option<Stop>,
}

/// An alarm over the time of the rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayedAlarm {
    /// Its definition.
    pub alarm: AlarmDefinition,
    /// Whether it reaches the stopper: it goes to the stack's topic that stops, or to another one
    /// that may well be it.
    pub stops: bool,
    /// What it saw: at most [`ReplayedAlarm::MAX_READINGS`], evenly, and the first
    /// [`ReplayedAlarm::MAX_TRANSITIONS`].
    pub trace: Trace,
    /// When it went to `ALARM` for the first time.
    pub fired: Option<Fired>,
}

/// An alarm went to `ALARM`.
#[derive(Debug, Clone, PartialEq)]
pub struct Fired {
    /// When.
    pub at: Timestamp,
    /// Why, in CloudWatch's words.
    pub reason: String,
    /// What would have come of it.
    pub response: Response,
}

/// What comes of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Response {
    /// People are told, and the stopper is not.
    TellsPeople,
    /// The stopper decides.
    Stopper(Decision),
}

/// A stop that would have been made.
#[derive(Debug, Clone, PartialEq)]
pub struct Stop {
    /// The alarm, as an index into [`Replay::alarms`].
    pub alarm: usize,
    /// When it would have taken effect: [`AlarmPlan::DELAY`] after the alarm.
    pub at: Timestamp,
    /// Whether executions in progress would have been cancelled too.
    pub force: bool,
    /// Whom it would have come in time for.
    pub spared: Spared,
}

impl ReplayedAlarm {
    /// Most readings that are kept; of a longer rollout it is every second, every third one, and so
    /// on. Two weeks of minutes.
    pub const MAX_READINGS: usize = 20_160;
    /// Most changes of state that are kept.
    pub const MAX_TRANSITIONS: usize = 1_000;

    fn new(plan: &AlarmPlan, rollout: &RecordedRollout) -> Option<Self> {
        let series = rollout.series(plan.metric()?);
        let wait = i64::from(evaluation_second(plan));
        let first = Timestamp::from_seconds(rollout.start().seconds().saturating_add(wait));
        let mut evaluator = Evaluator::new(plan.alarm.clone(), plan.parameters, first);
        let cadence = i64::from(evaluator.cadence()).max(1);
        let until = rollout.last.minute();
        let evaluations = until.seconds_after(first) / cadence;
        let step = usize::try_from(evaluations).unwrap_or(0) / Self::MAX_READINGS + 1;
        let mut trace = Trace::default();
        let mut fired = None;
        let mut now = first;
        for number in 0_usize.. {
            let transition = evaluator.evaluate(now, series);
            // Nothing but silence follows, and whether that says anything depends on whether the
            // rollout was over, which nobody recorded.
            let Some(slot) = evaluator.slots().first().filter(|slot| slot.start <= until) else {
                break;
            };
            if number.is_multiple_of(step) || transition.is_some() {
                trace.readings.push(Reading { at: now, slot: *slot, state: evaluator.state() });
            }
            if let Some(transition) = transition {
                if transition.to == AlarmState::Alarm && fired.is_none() {
                    let reason = transition.reason.clone();
                    fired = Some(Fired { at: now, reason, response: Response::TellsPeople });
                }
                if trace.transitions.len() < Self::MAX_TRANSITIONS {
                    trace.transitions.push(transition);
                }
            }
            now = Timestamp::from_seconds(now.seconds().saturating_add(cadence));
        }
        let stops =
            AlarmPlan::new(plan.alarm.clone(), StopMode::Cancel).reaction.mode == StopMode::Cancel;
        Some(Self { alarm: plan.alarm.clone(), stops, trace, fired })
    }
}

/// The second of its cadence at which a replay evaluates an alarm. CloudWatch evaluates each alarm at
/// a second of its own, which is not recorded; the middle errs by half a minute at most, where the
/// cadence is a minute.
pub fn evaluation_second(plan: &AlarmPlan) -> u32 {
    plan.parameters.cadence(&plan.alarm) / 2
}

impl Replay {
    /// Replays a rollout under these alarms, whose stopper is in `mode`.
    pub fn new(rollout: &RecordedRollout, alarms: &[AlarmDefinition], mode: StopMode) -> Self {
        let mut replay = Self { alarms: Vec::new(), not_replayed: Vec::new(), stop: None };
        for alarm in alarms {
            let plan = AlarmPlan::new(alarm.clone(), mode);
            match ReplayedAlarm::new(&plan, rollout) {
                Some(replayed) => replay.alarms.push(replayed),
                None => replay.not_replayed.push(alarm.clone()),
            }
        }
        replay.respond(rollout, mode);
        replay
    }

    /// Lets the stopper answer each alarm that reaches it, in the order of time.
    fn respond(&mut self, rollout: &RecordedRollout, mode: StopMode) {
        let mut fired: Vec<(usize, &mut Fired)> = self
            .alarms
            .iter_mut()
            .enumerate()
            .filter(|(_, alarm)| alarm.stops)
            .filter_map(|(index, alarm)| Some((index, alarm.fired.as_mut()?)))
            .collect();
        fired.sort_by_key(|(_, fired)| fired.at);
        for (alarm, fired) in fired {
            let state = if self.stop.is_some() { JobState::Canceled } else { JobState::Active };
            let decision =
                decide(mode, &Certainty::Verified, &JobKnowledge::Found(job_in(state)), "");
            fired.response = Response::Stopper(decision);
            if let Decision::Cancel { force } = decision {
                // The delay is a whole number of seconds.
                #[allow(clippy::cast_possible_wrap)]
                let delay = (AlarmPlan::DELAY.millis() / 1_000) as i64;
                let at = Timestamp::from_seconds(fired.at.seconds().saturating_add(delay));
                self.stop = Some(Stop { alarm, at, force, spared: rollout.spared_by(at) });
            }
        }
    }

    /// The alarm that would have stopped the rollout.
    pub fn stopped_by(&self) -> Option<(&ReplayedAlarm, &Stop)> {
        let stop = self.stop.as_ref()?;
        Some((self.alarms.get(stop.alarm)?, stop))
    }
}

/// The job as the stopper would have found it.
fn job_in(state: JobState) -> Job {
    Job { state, reason_code: None, comment: None, created_at: None, counts: Counts::default() }
}
