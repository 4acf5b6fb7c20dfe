use tripline::batch::points_of;
use tripline::event::ExecutionEnding;
use tripline::metric::{DownloadTime, Metric, Outcome, RetryCount};
use tripline::time::Timestamp;

/// How one execution ended, in 32 bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    pub device: u64,
    pub at: Timestamp,
    /// Seconds of download; no number if the device does not say.
    download: f64,
    /// The line of the recording.
    pub line: u32,
    /// [`NO_RETRIES`] if the device does not say.
    retries: u16,
    /// Details that could not be used: there are two.
    invalid: u8,
    pub outcome: Outcome,
}

const NO_RETRIES: u16 = u16::MAX;

impl Ended {
    #[inline]
    pub fn new(device: u64, line: u64, at: Timestamp, ending: &ExecutionEnding) -> Self {
        Self {
            device,
            at,
            download: ending.download_time.map_or(f64::NAN, DownloadTime::seconds),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            retries: ending.retry_count.map_or(NO_RETRIES, RetryCount::get),
            invalid: u8::try_from(ending.invalid.len()).unwrap_or(u8::MAX),
            outcome: ending.outcome,
        }
    }

    /// What it counts in the metrics.
    #[inline]
    pub fn points(&self) -> impl Iterator<Item = (Metric, f64, u32)> {
        let download = DownloadTime::new(self.download).ok();
        let retries = RetryCount::new(self.retries.into()).ok();
        points_of(self.outcome, download, retries, self.invalid.into())
    }

    /// When its download began at the latest, if the device says so.
    pub fn began(&self) -> Option<Timestamp> {
        // At most seven days.
        #[allow(clippy::cast_possible_truncation)]
        let seconds = (self.download > 0.0).then(|| self.download.ceil() as i64)?;
        Some(Timestamp::from_seconds(self.at.seconds().saturating_sub(seconds)))
    }

    /// Whether the device got the firmware: it has been in progress.
    pub fn is_exposed(&self) -> bool {
        matches!(self.outcome, Outcome::Succeeded | Outcome::Failed | Outcome::TimedOut)
    }

    /// Sorts the endings of each device by time, and those of the same time in the same way whatever
    /// the order of the recording.
    pub fn order(&self) -> (u64, Timestamp, Outcome, u64) {
        (self.device, self.at, self.outcome, self.download.to_bits())
    }
}

/// Endings that are not the only one of their device, as places in a list of endings.
#[derive(Debug, Default)]
pub(super) struct Repeated {
    /// Those that another ending of the same device came after: an attempt, and not the execution's end.
    pub before_another: Vec<u64>,
    /// Those with the firmware, or after trying it, that came after another such one: the device had
    /// it already.
    pub exposed_again: Vec<u64>,
}

impl Repeated {
    pub fn of(endings: &[Ended]) -> Self {
        // Numbers sort several times as fast as what they stand for: half a device, and where it is.
        let mut order: Vec<u64> =
            (0..).zip(endings).map(|(place, ended)| ended.device & !LOWER | place).collect();
        order.sort_unstable();
        let mut repeated = Self::default();
        let mut alike: Vec<(Ended, u64)> = Vec::new();
        let groups = order.chunk_by(|a, b| a & !LOWER == b & !LOWER);
        for group in groups.filter(|group| group.len() > 1) {
            let ended = |place: &u64| {
                Some((*endings.get(usize::try_from(place & LOWER).ok()?)?, place & LOWER))
            };
            alike.clear();
            alike.extend(group.iter().filter_map(ended));
            alike.sort_unstable_by_key(|(ended, _)| ended.order());
            for device in alike.chunk_by(|(one, _), (other, _)| one.device == other.device) {
                let places = device.iter().map(|(_, place)| *place);
                repeated.before_another.extend(places.take(device.len() - 1));
                let exposed = device.iter().filter(|(ended, _)| ended.is_exposed());
                repeated.exposed_again.extend(exposed.skip(1).map(|(_, place)| *place));
            }
        }
        repeated.before_another.sort_unstable();
        repeated.exposed_again.sort_unstable();
        repeated
    }
}

/// Whether each place, asked for in rising order, is not among `left_out`, which rise too.
pub(super) fn all_but(left_out: Vec<u64>) -> impl FnMut() -> bool {
    let (mut left_out, mut place) = (left_out.into_iter().peekable(), 0);
    move || {
        place += 1;
        left_out.next_if_eq(&(place - 1)).is_none()
    }
}

/// The lower half of a number.
const LOWER: u64 = u32::MAX as u64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_is_small_and_counts_what_its_event_counts() {
        assert_eq!(size_of::<Ended>(), 32);
        for (download, retries) in [(None, None), (Some(0.0), Some(0)), (Some(12.5), Some(10_000))]
        {
            let ending = ExecutionEnding {
                outcome: Outcome::Failed,
                download_time: download.and_then(|it| DownloadTime::new(it).ok()),
                retry_count: retries.and_then(|it| RetryCount::new(it).ok()),
                invalid: Vec::new(),
            };
            let ended = Ended::new(1, 1, Timestamp::from_seconds(0), &ending);
            assert!(ended.points().eq(tripline::batch::points(&ending)));
        }
    }
}
