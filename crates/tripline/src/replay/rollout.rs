use crate::evaluation::Series;
use crate::event::Ending;
use crate::job::JobId;
use crate::metric::{Metric, Outcome};
use crate::rollout::Endings;
use crate::simulation::Reached;
use crate::time::Timestamp;

use super::recording::{Counts, place};

/// The rollout of one job, as its events tell it.
#[derive(Debug)]
pub struct RecordedRollout {
    /// The job.
    pub job: JobId,
    /// The events that were read.
    pub counts: Counts,
    /// When the first execution ended.
    pub first: Timestamp,
    /// When the last one ended.
    pub last: Timestamp,
    /// How many executions ended in each way, in the order of [`RecordedRollout::OUTCOMES`].
    pub outcomes: [u32; 6],
    /// How far it was at the end of each minute, from that in which the first execution ended to
    /// that of the last. Only what had ended is known: `notified` are executions that had ended,
    /// `exposed` devices that had ended with the firmware or after trying it, and none is queued or
    /// in progress.
    pub minutes: Vec<Reached>,
    series: [Series; Metric::ALL.len()],
    /// The first ending with the firmware or after trying it, of each device.
    exposed: Vec<Ended>,
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
    /// Those among [`Self::ended_after`] that had begun their download by the stop, by their own
    /// `downloadTime`: it would not have spared them. Others may have begun too.
    pub at_work: u32,
}

impl Spared {
    /// Most devices that the stop would have spared: those that ended after it and do not say that
    /// they had begun before.
    pub fn at_most(&self) -> u32 {
        self.ended_after.saturating_sub(self.at_work)
    }
}

/// How one execution ended, as far as devices are counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    device: u64,
    at: i64,
    /// Whole seconds of download, rounded up; 0 if the device does not say.
    download: u32,
    outcome: Outcome,
}

impl Ended {
    pub fn new(device: u64, at: Timestamp, ending: &Ending) -> Self {
        // At most seven days.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let download = ending.download_time.map_or(0, |time| time.seconds().ceil() as u32);
        Self { device, at: at.seconds(), download, outcome: ending.outcome }
    }

    /// When its download began at the latest, if the device says so.
    fn began(&self) -> Option<i64> {
        (self.download > 0).then(|| self.at.saturating_sub(i64::from(self.download)))
    }

    /// Whether the device got the firmware: it has been in progress.
    fn is_exposed(&self) -> bool {
        matches!(self.outcome, Outcome::Succeeded | Outcome::Failed | Outcome::TimedOut)
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

    pub(super) fn new(
        job: JobId,
        counts: Counts,
        (first, last): (Timestamp, Timestamp),
        series: [Series; Metric::ALL.len()],
        mut endings: Vec<Ended>,
    ) -> Self {
        let mut minutes = Minutes::new(first, last);
        endings.iter().for_each(|ended| minutes.end(ended));
        endings.retain(Ended::is_exposed);
        leave_the_first_of_each_device(&mut endings);
        endings.iter().for_each(|ended| minutes.expose(ended));
        let outcomes = minutes.outcomes();
        Self {
            job,
            counts,
            first,
            last,
            outcomes,
            minutes: minutes.cumulated(),
            series,
            exposed: endings,
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

    /// Whom a stop at this time would have come in time for.
    pub fn spared_by(&self, stop: Timestamp) -> Spared {
        let stop = stop.seconds();
        self.exposed.iter().fold(Spared::default(), |mut spared, device| {
            if device.at <= stop {
                spared.ended_before += 1;
            } else {
                spared.ended_after += 1;
                spared.at_work += u32::from(device.began().is_some_and(|began| began <= stop));
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

/// Leaves the first ending of each device. One that tries again has an event each time, perhaps; it
/// got the firmware with the first.
fn leave_the_first_of_each_device(endings: &mut Vec<Ended>) {
    // Numbers sort several times as fast as what they stand for: half a device, and where it is.
    let mut order: Vec<u64> =
        (0..).zip(endings.iter()).map(|(place, ended)| ended.device & !LOWER | place).collect();
    order.sort_unstable();
    let mut alike: Vec<(Ended, u64)> = Vec::new();
    let mut later = Vec::new();
    for group in order.chunk_by(|a, b| a & !LOWER == b & !LOWER).filter(|group| group.len() > 1) {
        let ended = |place: &u64| {
            Some((*endings.get(usize::try_from(place & LOWER).ok()?)?, place & LOWER))
        };
        alike.clear();
        alike.extend(group.iter().filter_map(ended));
        alike.sort_unstable_by_key(|(ended, _)| (ended.device, ended.at, ended.download));
        let pairs = alike.iter().zip(alike.iter().skip(1));
        later.extend(
            pairs
                .filter(|((before, _), (ended, _))| before.device == ended.device)
                .map(|(_, (_, place))| *place),
        );
    }
    later.sort_unstable();
    let (mut later, mut place) = (later.into_iter().peekable(), 0);
    endings.retain(|_| {
        place += 1;
        later.next_if_eq(&(place - 1)).is_none()
    });
}

/// The lower half of a number.
const LOWER: u64 = u32::MAX as u64;

/// What happened in each minute.
struct Minutes {
    start: i64,
    minutes: Vec<Minute>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Minute {
    outcomes: [u32; 6],
    exposed: u32,
}

impl Minutes {
    fn new(first: Timestamp, last: Timestamp) -> Self {
        let start = first.minute().seconds();
        let number = last.seconds().saturating_sub(start).div_euclid(60).saturating_add(1);
        Self { start, minutes: vec![Minute::default(); usize::try_from(number).unwrap_or(0)] }
    }

    fn minute_of(&mut self, ended: &Ended) -> Option<&mut Minute> {
        let minute = ended.at.saturating_sub(self.start).div_euclid(60);
        self.minutes.get_mut(usize::try_from(minute).ok()?)
    }

    fn end(&mut self, ended: &Ended) {
        let place = RecordedRollout::OUTCOMES.iter().position(|outcome| *outcome == ended.outcome);
        let minute = self.minute_of(ended);
        if let Some(count) =
            minute.zip(place).and_then(|(minute, place)| minute.outcomes.get_mut(place))
        {
            *count += 1;
        }
    }

    fn expose(&mut self, ended: &Ended) {
        if let Some(minute) = self.minute_of(ended) {
            minute.exposed += 1;
        }
    }

    fn outcomes(&self) -> [u32; 6] {
        self.minutes.iter().fold([0; 6], |mut all, minute| {
            all.iter_mut().zip(minute.outcomes).for_each(|(all, more)| *all += more);
            all
        })
    }

    /// What had happened by the end of each minute.
    fn cumulated(self) -> Vec<Reached> {
        let mut reached = Reached::default();
        let cumulate = |minute: Minute| {
            // A removed execution is in none of AWS's counts.
            let [succeeded, failed, rejected, timed_out, canceled, _] = minute.outcomes;
            let endings = &mut reached.progress.endings;
            *endings = Endings {
                succeeded: endings.succeeded + succeeded,
                failed: endings.failed + failed,
                rejected: endings.rejected + rejected,
                timed_out: endings.timed_out + timed_out,
            };
            reached.progress.canceled += canceled;
            reached.notified += minute.outcomes.iter().sum::<u32>();
            reached.exposed += minute.exposed;
            reached
        };
        self.minutes.into_iter().map(cumulate).collect()
    }
}
