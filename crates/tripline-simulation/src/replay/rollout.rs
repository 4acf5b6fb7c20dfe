use std::collections::BTreeMap;

use super::begun::{Begun, FirstBegun};
use super::collected::Collected;
use super::device_times::DeviceTimes;
use super::ended::{Ended, Repeated, all_but};
use super::frame::FarAway;
use super::minutes::Minutes;
use super::recording::Counts;
use crate::evaluation::Series;
use crate::simulation::Reached;
use tripline::detail::Detail;
use tripline::job::EndedCounts;
use tripline::job::JobId;
use tripline::metric::{Metric, Outcome};
use tripline::time::Timestamp;

/// The rollout of one job, as its events report it.
#[derive(Debug)]
pub struct RecordedRollout {
    /// The job.
    pub job: JobId,
    /// The events that were read.
    pub counts: Counts,
    /// Lines that were left out since they lie too far from most others.
    pub far_away: FarAway,
    /// How many devices the rollout was for, if someone says so: no event does.
    pub devices: Option<u32>,
    /// When the first execution ended.
    pub first: Timestamp,
    /// When the last one ended.
    pub last: Timestamp,
    /// When each device began and ended. Empty unless the recording says when executions began, or it
    /// was asked for ([`super::Recording::keeping_devices`]).
    pub device_times: Vec<DeviceTimes>,
    /// How many executions ended in each way, in the order of [`RecordedRollout::OUTCOMES`].
    pub outcomes: [u32; 6],
    /// How far it was at the end of each minute, from that in which the first execution ended to
    /// that of the last. Only what had ended is known: `notified` are executions that had ended,
    /// `exposed` devices that had ended with the firmware or after trying it, and none is queued or
    /// in progress.
    pub minutes: Vec<Reached>,
    /// Keys of details that are spelled otherwise than those that are read, one of each: the first in the order of
    /// text.
    pub misspelled: BTreeMap<Detail, String>,
    series: [Series; Metric::ALL.len()],
    /// How each execution ended at last, in the order of time.
    executions: Vec<Execution>,
    /// The first ending with the firmware or after trying it, of each device.
    exposed: Vec<Ended>,
    begun: FirstBegun,
}

/// What was read of a recording.
pub(super) struct Read {
    pub counts: Counts,
    pub far_away: FarAway,
    pub endings: Vec<Ended>,
    pub begun: Vec<Begun>,
    pub misspelled: BTreeMap<Detail, String>,
    /// Whether it is to be known when each device began and ended.
    pub keeps_devices: bool,
}

/// Whom a stop would have come in time for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spared {
    /// Devices that had ended by the stop, with the firmware or after trying it: it came too late for
    /// them.
    pub ended_before: u32,
    /// Devices that so ended after the stop. Canceled, removed and rejected executions count here as
    /// little as above: they got no firmware.
    pub ended_after: u32,
    /// Those among [`Self::ended_after`] that had begun by the stop, as the recording or their own
    /// `downloadTime` says: it would not have spared them. Without either, others may have begun too.
    pub at_work: u32,
}

impl Spared {
    /// Most devices that the stop would have spared: those that ended after it and do not say that
    /// they had begun before.
    pub fn at_most(&self) -> u32 {
        self.ended_after.saturating_sub(self.at_work)
    }
}

impl RecordedRollout {
    /// The ways in which executions end, in the order of their declaration.
    pub const OUTCOMES: [Outcome; 6] = [
        Outcome::Succeeded,
        Outcome::Failed,
        Outcome::Rejected,
        Outcome::TimedOut,
        Outcome::Canceled,
        Outcome::Removed,
    ];

    pub(super) fn new(job: JobId, (first, last): (Timestamp, Timestamp), read: Read) -> Self {
        let Read { counts, far_away, mut endings, begun, misspelled, keeps_devices } = read;
        let begun = FirstBegun::of(begun);
        let device_times =
            if keeps_devices { DeviceTimes::of(&endings, &begun) } else { Vec::new() };
        let series = series(&endings);
        let mut minutes = Minutes::new(first, last);
        endings.iter().for_each(|ended| minutes.end(ended));
        let repeated = Repeated::of(&endings);
        let mut is_final = all_but(repeated.before_another);
        let finals = endings.iter().filter(|_| is_final());
        let mut executions: Vec<Execution> = finals
            .filter_map(|ended| {
                let after = u32::try_from(ended.at.seconds_after(first)).ok()?;
                Some(Execution { after, outcome: ended.outcome })
            })
            .collect();
        executions.sort_unstable();
        let mut is_first = all_but(repeated.exposed_again);
        endings.retain(|ended| is_first() && ended.is_exposed());
        endings.iter().for_each(|ended| minutes.expose(ended));
        let outcomes = minutes.outcomes();
        Self {
            job,
            counts,
            far_away,
            devices: None,
            first,
            last,
            device_times,
            outcomes,
            minutes: minutes.cumulated(),
            misspelled,
            series,
            executions,
            exposed: endings,
            begun,
        }
    }

    /// When the record begins: the minute in which the first execution ended.
    pub fn start(&self) -> Timestamp {
        self.first.minute()
    }

    /// A metric of the job, by the minute.
    pub fn series(&self, metric: Metric) -> &Series {
        let [first, ..] = &self.series;
        self.series.get(place(metric)).unwrap_or(first)
    }

    /// How far the rollout was in the end.
    pub fn end(&self) -> Reached {
        self.minutes.last().copied().unwrap_or_default()
    }

    /// Executions that ended.
    pub fn executions(&self) -> u32 {
        self.end().notified
    }

    /// Executions that were canceled. Then the rollout was stopped, as far as can be seen.
    pub fn canceled(&self) -> u32 {
        let [.., canceled, _] = self.outcomes;
        canceled
    }

    /// Devices whose execution has ended.
    pub fn devices_ended(&self) -> u32 {
        u32::try_from(self.executions.len()).unwrap_or(u32::MAX)
    }

    /// Devices that had not ended; 0 if it is not known how many there were.
    pub fn devices_open(&self) -> u32 {
        self.devices.unwrap_or(0).saturating_sub(self.devices_ended())
    }

    /// Devices that began and never ended, of those that the recording says began.
    pub fn devices_silent(&self) -> u32 {
        let silent = self.device_times.iter().filter(|device| device.ended.is_none());
        u32::try_from(silent.count()).unwrap_or(u32::MAX)
    }

    /// Whether there is a sign that the rollout would have gone on after the last ending of the record:
    /// executions were canceled, or not all of its devices ended, or not all that began. Without one its
    /// last ending is taken for the end of the job. Nothing else distinguishes a recording of events that was cut
    /// short from one that is whole: neither devices in progress nor those that were never reached have
    /// events.
    pub fn goes_on(&self) -> bool {
        self.canceled() > 0 || self.devices_open() > 0 || self.devices_silent() > 0
    }

    /// How many executions had end of their own, after each second in which one did. An
    /// execution of several attempts ends with the last one.
    pub(super) fn executed(&self) -> impl Iterator<Item = (Timestamp, EndedCounts)> {
        let seconds = self.executions.chunk_by(|one, other| one.after == other.after);
        seconds.scan(EndedCounts::default(), |endings, second| {
            second.iter().for_each(|execution| endings.count(execution.outcome));
            let after = second.first().map_or(0, |execution| execution.after);
            let at = self.first.seconds().saturating_add(after.into());
            Some((Timestamp::from_seconds(at), *endings))
        })
    }

    /// Whom a stop at this time would have come in time for.
    pub fn spared_by(&self, stop: Timestamp) -> Spared {
        self.exposed.iter().fold(Spared::default(), |mut spared, device| {
            if device.at <= stop {
                spared.ended_before += 1;
            } else {
                spared.ended_after += 1;
                let recorded = self.begun.get(device.device).map(|begun| begun.at);
                let began = recorded.or_else(|| device.began());
                spared.at_work += u32::from(began.is_some_and(|began| began <= stop));
            }
            spared
        })
    }

    /// How far the rollout was at a time: `exposed` to the second, all else at the end of the minute
    /// before.
    pub fn reached(&self, at: Timestamp) -> Reached {
        let over = usize::try_from(at.seconds_after(self.start()).div_euclid(60)).unwrap_or(0);
        let minute = over.min(self.minutes.len()).checked_sub(1);
        let reached =
            minute.and_then(|minute| self.minutes.get(minute)).copied().unwrap_or_default();
        Reached { exposed: self.spared_by(at).ended_before, ..reached }
    }
}

/// How an execution ended at last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Execution {
    /// Seconds after the first ending.
    after: u32,
    outcome: Outcome,
}

/// The metrics of endings.
fn series(endings: &[Ended]) -> [Series; Metric::ALL.len()] {
    let mut metrics: [Collected; Metric::ALL.len()] = std::array::from_fn(|_| Collected::new());
    for ended in endings {
        for (metric, value, count) in ended.points() {
            if let Some(collected) = metrics.get_mut(place(metric)) {
                for _ in 0..count {
                    collected.add(ended.at.minute(), value);
                }
            }
        }
    }
    metrics.map(Collected::series)
}

/// A metric's place in [`Metric::ALL`].
fn place(metric: Metric) -> usize {
    Metric::ALL.iter().position(|other| *other == metric).unwrap_or(Metric::ALL.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_its_place() {
        let places: Vec<usize> = Metric::ALL.into_iter().map(place).collect();
        assert_eq!(places, (0..Metric::ALL.len()).collect::<Vec<_>>());
    }
}
