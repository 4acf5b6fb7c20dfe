use super::time::Elapsed;
use crate::evaluation::Series;
use tripline::metric::{Metric, Outcome};
use tripline::time::Timestamp;

/// What CloudWatch has of the job's metrics, and what is on its way there.
#[derive(Debug)]
pub(super) struct Metrics {
    start: Timestamp,
    series: [Series; Metric::ALL.len()],
    /// What somebody looks at; the others are not kept.
    watched: Vec<Metric>,
    watches_retries: bool,
    delay: u64,
    /// In the order of time.
    on_their_way: Vec<SampledEnding>,
}

/// An ending as its event reports it.
#[derive(Debug, Clone, Copy)]
pub(super) struct SampledEnding {
    pub at: Elapsed,
    /// The minute in which it was, from the start.
    pub minute: u32,
    pub outcome: Outcome,
    /// Tenths of a second; [`Self::NO_DOWNLOAD`] where nobody reports: after a timeout and a
    /// rejection.
    pub download: u32,
    /// [`Self::NO_RETRIES`] where nobody reports, or nobody looks.
    pub retries: u16,
}

impl SampledEnding {
    pub const NO_DOWNLOAD: u32 = u32::MAX;
    pub const NO_RETRIES: u16 = u16::MAX;

    /// The value that its event adds to a metric.
    #[inline]
    fn value(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::Count(outcome) => (outcome == self.outcome).then_some(1.0),
            Metric::DownloadTime => {
                (self.download != Self::NO_DOWNLOAD).then(|| f64::from(self.download) / 10.0)
            }
            Metric::RetryCount => {
                (self.retries != Self::NO_RETRIES).then(|| f64::from(self.retries))
            }
            Metric::InvalidDetailCount => None,
        }
    }
}

impl Metrics {
    pub fn new(start: Timestamp, delay: Elapsed, keeps_values: bool) -> Self {
        Self {
            start,
            series: std::array::from_fn(|_| {
                if keeps_values { Series::new(60) } else { Series::without_values(60) }
            }),
            watched: Vec::new(),
            watches_retries: false,
            delay: delay.millis(),
            on_their_way: Vec::new(),
        }
    }

    /// Begins again, with these metrics.
    pub fn reset(&mut self, watched: impl IntoIterator<Item = Metric>) {
        self.series.iter_mut().for_each(Series::clear);
        self.on_their_way.clear();
        self.watched = watched.into_iter().collect();
        self.watched.sort_unstable();
        self.watched.dedup();
        self.watches_retries = self.watched.contains(&Metric::RetryCount);
    }

    /// Whether somebody looks at the retries that devices report.
    #[inline]
    pub fn watches_retries(&self) -> bool {
        self.watches_retries
    }

    pub fn series(&self, metric: Metric) -> &Series {
        let [first, ..] = &self.series;
        self.series.get(index(metric)).unwrap_or(first)
    }

    /// Takes an ending on its way.
    pub fn report(&mut self, ending: SampledEnding) {
        if !self.watched.is_empty() {
            self.on_their_way.push(ending);
        }
    }

    /// Publishes what has arrived by `now`.
    pub fn arrive(&mut self, now: Elapsed) {
        let has_arrived =
            |ending: &SampledEnding| ending.at.millis().saturating_add(self.delay) <= now.millis();
        let arrived = self.on_their_way.partition_point(has_arrived);
        for metric in &self.watched {
            let Some(series) = self.series.get_mut(index(*metric)) else { continue };
            let endings = self.on_their_way.get(..arrived).unwrap_or_default();
            for minute in endings.chunk_by(|a, b| a.minute == b.minute) {
                let Some(SampledEnding { minute: number, .. }) = minute.first() else { continue };
                let at = self.start.seconds().saturating_add(i64::from(*number) * 60);
                let values = minute.iter().filter_map(|ending| ending.value(*metric));
                series.extend(Timestamp::from_seconds(at), values);
            }
        }
        self.on_their_way.drain(..arrived);
    }
}

/// A metric's place in [`Metric::ALL`].
const fn index(metric: Metric) -> usize {
    match metric {
        Metric::DownloadTime => 0,
        Metric::RetryCount => 1,
        Metric::Count(Outcome::Succeeded) => 2,
        Metric::Count(Outcome::Failed) => 3,
        Metric::Count(Outcome::Rejected) => 4,
        Metric::Count(Outcome::TimedOut) => 5,
        Metric::Count(Outcome::Canceled) => 6,
        Metric::Count(Outcome::Removed) => 7,
        Metric::InvalidDetailCount => 8,
    }
}
