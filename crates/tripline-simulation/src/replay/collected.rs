use crate::evaluation::Series;
use tripline::time::Timestamp;

/// The values of a metric as they are read, in any order.
///
/// A series makes room for an earlier minute by moving all later ones. So what comes before its
/// beginning waits, or a recording that runs backwards would take hours.
#[derive(Debug)]
pub(super) struct Collected {
    series: Series,
    start: Option<Timestamp>,
    early: Vec<(Timestamp, f64)>,
}

impl Collected {
    pub fn new() -> Self {
        Self { series: Series::new(60), start: None, early: Vec::new() }
    }

    #[inline]
    pub fn add(&mut self, at: Timestamp, value: f64) {
        if at < *self.start.get_or_insert(at) {
            self.early.push((at, value));
        } else {
            self.series.add(at, value);
        }
    }

    /// All of them; the earliest goes first, so that room is made once.
    pub fn series(mut self) -> Series {
        if let Some(earliest) =
            (0..self.early.len()).min_by_key(|place| self.early.get(*place).map(|(at, _)| *at))
        {
            self.early.swap(0, earliest);
        }
        for (at, value) in self.early {
            self.series.add(at, value);
        }
        self.series
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_minutes_backwards_take_no_time() {
        let mut collected = Collected::new();
        for minute in (0..1_000_000).rev() {
            collected.add(Timestamp::from_seconds(minute * 60), 1.0);
        }
        let series = collected.series();
        assert_eq!((series.count(0, 60), series.count(0, 60_000_000)), (1, 1_000_000));
    }
}
