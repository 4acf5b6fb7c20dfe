//! Evidence of a recorded rollout: what the guard-keeper would have computed each minute.

use std::collections::BTreeMap;

use super::alarm::ReplayedAlarm;
use super::device_times::{Began, DeviceTimes};
use super::replayed::{Fired, Response};
use super::rollout::RecordedRollout;
use tripline::evidence::{Ages, Limits, State, Tick, Verdict};
use tripline::metric::Outcome;
use tripline::time::Timestamp;

/// Evidence over the time of the rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayedEvidence {
    /// The limits of a healthy rollout.
    pub limits: Limits,
    /// Whether its alarm reaches the stopper.
    pub stops: bool,
    /// How it is known when devices began.
    pub begins: Begins,
    /// What it came to by the minute: at most [`ReplayedAlarm::MAX_READINGS`], evenly.
    pub readings: Vec<(Timestamp, f64)>,
    /// What it had reached when it was at its highest.
    pub verdict: Verdict,
    /// When it reached its threshold, with the sentence that says why.
    pub fired: Option<Fired>,
}

/// How it is known when the devices of a recording began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Begins {
    /// The recording says so.
    pub recorded: u32,
    /// The device's own `downloadTime` says so: it began then at the latest.
    pub reported: u32,
    /// It is assumed: as long before the end as the median of the others.
    pub assumed: u32,
}

impl Begins {
    /// Whether each is recorded.
    pub fn are_recorded(&self) -> bool {
        self.reported == 0 && self.assumed == 0
    }
}

impl ReplayedEvidence {
    /// `None` if nothing says when any device began.
    pub(super) fn new(limits: &Limits, stops: bool, rollout: &RecordedRollout) -> Option<Self> {
        let (timeline, begins) = Timeline::of(&rollout.device_times)?;
        let mut state = State::new(limits);
        let minutes = timeline.minutes();
        let step = minutes / ReplayedAlarm::MAX_READINGS + 1;
        let (mut readings, mut fired) = (Vec::new(), None);
        let first = timeline.first;
        for (number, tick) in timeline.ticks(limits.uses_list()).enumerate() {
            let at = first.seconds().saturating_add(i64::from(tick.t).saturating_mul(60));
            let at = Timestamp::from_seconds(at);
            let verdict = state.tick(limits, &tick);
            if number.is_multiple_of(step) {
                readings.push((at, verdict.evidence));
            }
            if let Some(reason) = state.reason(limits)
                && fired.is_none()
            {
                let reason = reason.to_string();
                fired = Some(Fired { at, reason, response: Response::AlertsPeople });
            }
        }
        let verdict = state.verdict(limits);
        Some(Self { limits: limits.clone(), stops, begins, readings, verdict, fired })
    }
}

/// What happened in which minute, counted from the one in which the first device began. What
/// happened within a minute is seen at its end.
struct Timeline {
    first: Timestamp,
    /// When each device was first seen to have begun, and whether it is followed by its age.
    begun: Vec<(u32, bool)>,
    /// When each device was first seen to have ended, and when to have begun if it is followed.
    ended: Vec<(u32, Option<u32>, Kind)>,
    unsuccessful: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Ended,
    TimedOut,
}

/// When each device began, and how that is known. `None` if nothing says it of any.
pub(super) fn begun(devices: &[DeviceTimes]) -> Option<(Vec<(Timestamp, &DeviceTimes)>, Begins)> {
    let median = median_seconds(devices)?;
    let mut begins = Begins::default();
    let known = devices
        .iter()
        .filter_map(|device| {
            let end = device.ended.map(|(at, _)| at);
            let at = match device.began {
                Began::Recorded(at) => {
                    begins.recorded += 1;
                    at
                }
                Began::Reported(at) => {
                    begins.reported += 1;
                    at
                }
                Began::AtItsEnd => end?,
                Began::Unknown => {
                    begins.assumed += 1;
                    Timestamp::from_seconds(end?.seconds().saturating_sub(median))
                }
            };
            Some((at, device))
        })
        .collect();
    Some((known, begins))
}

impl Timeline {
    fn of(devices: &[DeviceTimes]) -> Option<(Self, Begins)> {
        let (known, begins) = begun(devices)?;
        let first = known.iter().map(|(at, _)| *at).min()?.minute();
        let minute = |at: Timestamp| {
            let seconds = u64::try_from(at.seconds_after(first)).unwrap_or(0);
            u32::try_from(seconds.div_ceil(60)).unwrap_or(u32::MAX)
        };
        let mut timeline =
            Self { first, begun: Vec::new(), ended: Vec::new(), unsuccessful: Vec::new() };
        for (began, device) in known {
            // Only first attempts are followed, so that each device is counted once.
            let is_followed = !device.is_retry;
            timeline.begun.push((minute(began), is_followed));
            if let Some((at, outcome)) = device.ended {
                let timed_out = outcome == Outcome::TimedOut;
                let kind = if timed_out { Kind::TimedOut } else { Kind::Ended };
                let followed = is_followed.then(|| minute(began));
                timeline.ended.push((minute(at), followed, kind));
            }
            if let Some((at, Outcome::Failed | Outcome::Rejected)) = device.last {
                timeline.unsuccessful.push(minute(at));
            }
        }
        timeline.begun.sort_unstable();
        timeline.ended.sort_unstable();
        timeline.unsuccessful.sort_unstable();
        Some((timeline, begins))
    }

    /// The minute in which the last thing happened.
    fn last(&self) -> u32 {
        let begun = self.begun.last().map_or(0, |(minute, _)| *minute);
        let ended = self.ended.last().map_or(0, |(minute, ..)| *minute);
        let unsuccessful = self.unsuccessful.last().copied().unwrap_or(0);
        begun.max(ended).max(unsuccessful)
    }

    fn minutes(&self) -> usize {
        usize::try_from(self.last()).unwrap_or(usize::MAX).saturating_add(1)
    }

    /// What AWS IoT would have said at each full minute.
    fn ticks(self, list: bool) -> impl Iterator<Item = Tick> {
        let last = self.last();
        let mut begun = self.begun.into_iter().peekable();
        let mut ended = self.ended.into_iter().peekable();
        let mut unsuccessful = self.unsuccessful.into_iter().peekable();
        let mut in_progress: BTreeMap<u32, u32> = BTreeMap::new();
        let mut tick = Tick::default();
        (0..=last).map(move |t| {
            while let Some((minute, is_followed)) = begun.next_if(|(minute, _)| *minute <= t) {
                tick.begun += 1;
                if is_followed {
                    *in_progress.entry(minute).or_default() += 1;
                }
            }
            while let Some((_, followed, kind)) = ended.next_if(|(minute, ..)| *minute <= t) {
                match kind {
                    Kind::Ended => tick.ended += 1,
                    Kind::TimedOut => tick.timed_out += 1,
                }
                if let Some(minute) = followed
                    && let Some(left) = in_progress.get_mut(&minute)
                {
                    *left = left.saturating_sub(1);
                    if *left == 0 {
                        in_progress.remove(&minute);
                    }
                }
            }
            while unsuccessful.next_if(|minute| *minute <= t).is_some() {
                tick.unsuccessful += 1;
            }
            let ages = in_progress.iter().rev().map(|(minute, number)| (t - minute, *number));
            Tick { t, in_progress: list.then(|| Ages::of_counts(ages)), ..tick.clone() }
        })
    }
}

/// How long the devices took of which it is known, in the median, in seconds. 0 if none has to be
/// assumed to have taken as long.
fn median_seconds(devices: &[DeviceTimes]) -> Option<i64> {
    let mut took: Vec<i64> = devices
        .iter()
        .filter_map(|device| match device.began {
            Began::Recorded(at) | Began::Reported(at) => {
                device.ended.map(|(end, _)| end.seconds_after(at))
            }
            Began::AtItsEnd | Began::Unknown => None,
        })
        .collect();
    if !devices.iter().any(|device| device.began == Began::Unknown) {
        return Some(0);
    }
    let middle = took.len() / 2;
    if took.is_empty() {
        return None;
    }
    Some(*took.select_nth_unstable(middle).1)
}
