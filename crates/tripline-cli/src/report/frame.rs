//! What all panels over time have in common: their place on the page, the axes, the mark of the
//! stop. Equal margins put the same minute at the same place in every panel.

use tripline_simulation::simulation::{Elapsed, Reached};

use super::format::{count, minutes, number};
use super::picture::StopMark;
use super::scale::{Scale, TimeAxis};
use super::svg::{Anchor, Svg};

/// Width of every picture.
pub const WIDTH: f64 = 920.0;
const LEFT: f64 = 72.0;
/// Room for the labels of lines.
const RIGHT: f64 = 168.0;
const TOP: f64 = 26.0;
/// Ticks and name of the time axis.
const BOTTOM: f64 = 42.0;

/// The time that all panels of a page cover.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// Minutes from the beginning.
    pub minutes: f64,
}

impl Span {
    /// From the beginning of some records by the minute until next to nothing happens in any of
    /// them: a single device that takes a day would leave an hour's rollout no room.
    pub fn covering(records: &[&[Reached]]) -> Self {
        let minutes = records.iter().map(|record| minutes_of_interest(record)).max().unwrap_or(0);
        Self {
            minutes: (f64::from(u32::try_from(minutes).unwrap_or(u32::MAX)) * 1.03).ceil().max(1.0),
        }
    }

    /// Whether a record goes on behind the pictures' end.
    pub fn leaves_out(&self, record: &[Reached]) -> bool {
        f64::from(u32::try_from(record.len()).unwrap_or(u32::MAX)) > self.minutes
    }
}

/// The share of executions whose ends are left out.
pub const LEFT_OUT: f64 = 0.01;

/// Minutes until all that will be notified are notified, and all but [`LEFT_OUT`] of what ends has ended.
fn minutes_of_interest(record: &[Reached]) -> usize {
    let Some(end) = record.last() else { return 0 };
    let ended = |reached: &Reached| {
        reached.progress.ended.executed().saturating_add(reached.progress.canceled)
    };
    let most = f64::from(ended(end)) * (1.0 - LEFT_OUT);
    let interesting =
        |reached: &Reached| reached.notified < end.notified || f64::from(ended(reached)) < most;
    record.iter().rposition(interesting).map_or(1, |last| (last + 2).min(record.len()))
}

/// A panel that is being drawn.
pub struct Frame {
    /// What is drawn on.
    pub svg: Svg,
    /// From minutes to places.
    pub x: Scale,
    /// From values to places.
    pub y: Scale,
    bottom: f64,
    axis: TimeAxis,
}

impl Frame {
    /// A panel whose plot has this height, whose value axis ends at `max` and is called `unit`, and
    /// that has `below` pixels between the plot and the time axis.
    pub fn new(span: Span, height: f64, max: f64, unit: &str, below: f64) -> Self {
        let bottom = TOP + height;
        let svg = Svg::new(WIDTH, bottom + below + BOTTOM);
        let x = Scale::new(span.minutes, LEFT, WIDTH - RIGHT);
        let mut frame = Self {
            svg,
            x,
            y: Scale::new(max, bottom, TOP),
            bottom: bottom + below,
            axis: TimeAxis::new(span.minutes, 9),
        };
        frame.svg.text("axis", (0.0, TOP - 12.0), Anchor::Start, unit);
        for tick in frame.y.ticks(4) {
            let y = frame.y.at(tick);
            frame.svg.line("grid", (LEFT, y), (frame.right(), y));
            frame.svg.text("tick", (LEFT - 8.0, y + 4.0), Anchor::End, &number(tick));
        }
        frame.time_axis();
        frame
    }

    /// The right end of the plot.
    pub fn right(&self) -> f64 {
        self.x.to
    }

    /// The height at which the time axis begins.
    pub fn bottom(&self) -> f64 {
        self.bottom
    }

    fn time_axis(&mut self) {
        self.svg.line("frame", (LEFT, self.bottom), (self.right(), self.bottom));
        for (minutes, label) in self.axis.ticks() {
            let x = self.x.at(minutes);
            self.svg.line("frame", (x, self.bottom), (x, self.bottom + 4.0));
            self.svg.text("tick", (x, self.bottom + 17.0), Anchor::Middle, &label);
        }
        let name = format!("{} since the rollout began", self.axis.unit);
        self.svg.text("axis", (self.right(), self.bottom + 34.0), Anchor::End, &name);
    }

    /// Says that there is nothing to be drawn.
    pub fn nothing(&mut self, why: &str) {
        let (x, y) = (self.x.from.midpoint(self.right()), self.y.from.midpoint(self.y.to));
        self.svg.text("nothing", (x, y + 4.0), Anchor::Middle, why);
    }

    /// Words about the stop, above the plot, where no curve is.
    pub fn at_stop(&mut self, stop: &StopMark, class: &str, text: &str) {
        let x = self.x.at(stop.at.minutes());
        let left = self.x.from + 0.62 * (self.right() - self.x.from);
        let (at, anchor) = if x > left { (x - 6.0, Anchor::End) } else { (x + 6.0, Anchor::Start) };
        self.svg.text(class, (at, TOP - 8.0), anchor, text);
    }

    /// The mark of the stop. Only one panel needs the words.
    pub fn stop(&mut self, stop: &StopMark, words: bool) {
        let x = self.x.at(stop.at.minutes());
        self.svg.line("stop", (x, TOP - 4.0), (x, self.bottom));
        if words {
            self.at_stop(stop, "stop-label", &format!("stop, minute {}", minutes(stop.at)));
        }
    }

    /// A line with values by the minute, which stays where it ends; what is behind the axis is left out.
    pub fn curve(&mut self, class: &str, values: &[u32]) {
        let (x, y) = (self.x, self.y);
        let mut points: Vec<(f64, f64)> = vec![(x.at(0.0), y.at(0.0))];
        let shown = values.get(..self.shown(values.len())).unwrap_or(values);
        points.extend(thinned(shown).map(|(minute, value)| (x.at(minute), y.at(f64::from(value)))));
        if let Some(last) = shown.last() {
            points.push((x.to, y.at(f64::from(*last))));
        }
        self.svg.path(class, points);
    }

    /// How many of so many minutes lie within the time axis.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn shown(&self, minutes: usize) -> usize {
        minutes.min(self.x.max as usize)
    }

    /// Labels for lines at the right end, moved apart where they would lie on each other. Each is a
    /// class, a value, and a text.
    pub fn labels(&mut self, labels: Vec<(&str, f64, String)>) {
        let mut places: Vec<(f64, &str, String)> = labels
            .into_iter()
            .map(|(class, value, text)| (self.y.at(value) + 4.0, class, text))
            .collect();
        places.sort_by(|one, other| one.0.total_cmp(&other.0));
        let lowest = self.y.from + 4.0;
        spread(&mut places, lowest);
        for (y, class, text) in places {
            self.svg.text(&format!("label {class}"), (self.right() + 8.0, y), Anchor::Start, &text);
        }
    }
}

/// Least distance of two labels.
const LINE: f64 = 15.0;

/// Moves labels apart, whose heights rise, so that the last one is at most at `lowest`.
fn spread<A, B>(places: &mut [(f64, A, B)], lowest: f64) {
    let mut least = f64::NEG_INFINITY;
    for place in places.iter_mut() {
        place.0 = place.0.max(least);
        least = place.0 + LINE;
    }
    let mut most = lowest;
    for place in places.iter_mut().rev() {
        place.0 = place.0.min(most);
        most = place.0 - LINE;
    }
}

/// Most points of a line: more cannot be seen.
const POINTS: usize = 480;

/// Values by the minute, at the minutes' ends; of many, the last and the largest of each group, so
/// that no peak is lost.
pub fn thinned(values: &[u32]) -> impl Iterator<Item = (f64, u32)> {
    let group = values.len().div_ceil(POINTS).max(1);
    values.chunks(group).enumerate().flat_map(move |(number, chunk)| {
        let first = number * group;
        let peak = chunk.iter().enumerate().max_by_key(|(_, value)| **value);
        let peak = peak.map(|(place, value)| (place, *value));
        let last = chunk.last().map(|value| (chunk.len() - 1, *value));
        let peak = peak.filter(|peak| Some(*peak) != last);
        peak.into_iter().chain(last).map(move |(place, value)| (minute_end(first + place), value))
    })
}

fn minute_end(minute: usize) -> f64 {
    f64::from(u32::try_from(minute).unwrap_or(u32::MAX)) + 1.0
}

/// How a line's label ends: with its last value.
pub fn label(name: &str, values: &[u32]) -> String {
    format!("{name} {}", count(values.last().copied().unwrap_or(0)))
}

/// Minutes from the start, of a time that may lie before it.
pub fn minutes_at(start: tripline::time::Timestamp, at: tripline::time::Timestamp) -> f64 {
    Elapsed::from_seconds(u64::try_from(at.seconds_after(start)).unwrap_or(0)).minutes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_values_become_few_and_keep_the_peak() {
        let mut values = vec![1; 100_000];
        values[54_321] = 9;
        let points: Vec<_> = thinned(&values).collect();
        assert!(points.len() < 2 * POINTS + 2);
        assert!(points.contains(&(54_322.0, 9)));
        assert_eq!(points.last(), Some(&(100_000.0, 1)));
        assert_eq!(thinned(&[3, 4]).collect::<Vec<_>>(), [(1.0, 3), (2.0, 4)]);
        assert_eq!(thinned(&[]).count(), 0);
    }

    #[test]
    fn stragglers_do_not_stretch_the_time() {
        let mut record = vec![Reached::default(); 1_000];
        for (minute, reached) in record.iter_mut().enumerate() {
            reached.notified = 1_000.min(u32::try_from(minute * 20).unwrap());
            reached.progress.ended.succeeded = 995.min(reached.notified);
        }
        record[999].progress.ended.succeeded = 1_000;
        let span = Span::covering(&[&record]);
        assert!((50.0..60.0).contains(&span.minutes), "{span:?}");
        assert!(span.leaves_out(&record));
        assert_eq!(Span::covering(&[]).minutes, 1.0);
    }

    #[test]
    fn labels_do_not_lie_on_each_other() {
        let mut places = [(10.0, "a", ()), (12.0, "b", ()), (98.0, "c", ()), (99.0, "d", ())];
        spread(&mut places, 100.0);
        assert_eq!(places.map(|place| place.0), [10.0, 25.0, 85.0, 100.0]);
    }
}
