//! Many runs in one picture: a row each for what was run, a column each for the probability of a
//! stop, the devices that got the firmware, and the time to the stop.

use maud::Markup;
use tripline_simulation::simulation::{Proportion, Quantile, Spread, Study};

use super::format::{count, number_of_minutes, percent};
use super::frame::WIDTH;
use super::scale::Scale;
use super::svg::{Anchor, Svg};

/// A row.
pub struct Row {
    /// What was run.
    pub label: String,
    /// What its marks are: `catch`, `false-stop` or `part`.
    pub class: &'static str,
    /// One a column.
    pub marks: [Option<Mark>; 3],
}

/// A number from many runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mark {
    middle: f64,
    /// The 95 % interval of the number.
    interval: (f64, f64),
    /// From the fifth to the ninety-fifth of a hundred runs.
    runs: Option<(f64, f64)>,
}

impl From<Proportion> for Mark {
    fn from(share: Proportion) -> Self {
        Self { middle: share.estimate(), interval: share.interval(), runs: None }
    }
}

impl From<Spread> for Mark {
    fn from(Spread { p5, p50: Quantile { value, low, high }, p95 }: Spread) -> Self {
        Self { middle: value, interval: (low, high), runs: Some((p5.value, p95.value)) }
    }
}

/// The marks of a study.
pub fn marks(study: &Study) -> [Option<Mark>; 3] {
    [
        Some(study.stopped.into()),
        study.exposed.map(Mark::from),
        study.minutes_to_stop.map(Mark::from),
    ]
}

const LABELS: f64 = 232.0;
const GAP: f64 = 20.0;
/// Room for a number at the right of a column.
const NUMBER: f64 = 58.0;
const TOP: f64 = 34.0;
const ROW: f64 = 22.0;

/// The picture. A group is a heading, which may be empty, and its rows.
pub fn forest(id: &str, title: &str, devices: u32, groups: &[(String, Vec<Row>)]) -> Markup {
    let headings = groups.iter().filter(|(heading, _)| !heading.is_empty()).count();
    let rows: usize = groups.iter().map(|(_, rows)| rows.len()).sum::<usize>() + headings;
    let bottom = TOP + ROW * f64::from(u32::try_from(rows).unwrap_or(u32::MAX));
    let mut svg = Svg::new(WIDTH, bottom + 26.0);
    let longest = groups.iter().flat_map(|(_, rows)| rows).filter_map(|row| row.marks[2]);
    let longest =
        longest.map(|mark| mark.runs.map_or(mark.interval.1, |runs| runs.1)).fold(0.0, f64::max);
    let columns: [Column; 3] = [
        ("stopped, of all runs", 1.0, percent),
        ("devices that got the firmware", f64::from(devices), count::<f64>),
        ("minutes to the stop", longest * 1.05, number_of_minutes),
    ];
    let width = (WIDTH - LABELS) / 3.0 - GAP;
    let mut left = LABELS + GAP;
    let mut places = Vec::new();
    for (title, max, format) in columns {
        let scale = Scale::new(max, left, left + width - NUMBER);
        head(&mut svg, (title, max, format), scale, bottom);
        places.push((scale, format));
        left += width + GAP;
    }
    let mut y = TOP;
    for (heading, rows) in groups {
        if !heading.is_empty() {
            svg.text("heading", (0.0, y + 15.0), Anchor::Start, heading);
            y += ROW;
        }
        for row in rows {
            let indent = if heading.is_empty() { 0.0 } else { 12.0 };
            let label = tripline::text::clean(&row.label, 34);
            svg.text("row-label", (indent, y + 15.0), Anchor::Start, &label);
            for (mark, (scale, format)) in row.marks.iter().zip(&places) {
                if let Some(mark) = mark {
                    draw(&mut svg, *mark, row.class, (*scale, *format), y + 11.0, width);
                }
            }
            if let ([_, _, None], [.., (scale, _)]) = (row.marks, places.as_slice()) {
                let words =
                    if row.marks[0].is_some_and(|mark| mark.middle > 0.0) { "" } else { "never" };
                svg.text("number muted", (scale.from + width, y + 15.0), Anchor::End, words);
            }
            y += ROW;
        }
    }
    let description = "The table below has the same numbers.";
    svg.finish(id, title, description)
}

type Column = (&'static str, f64, fn(f64) -> String);

fn head(svg: &mut Svg, (title, max, format): Column, scale: Scale, bottom: f64) {
    svg.text("axis", (scale.from, 14.0), Anchor::Start, title);
    svg.line("frame", (scale.from, bottom + 2.0), (scale.to, bottom + 2.0));
    let ticks = if max == 1.0 { vec![0.0, 0.5, 1.0] } else { scale.ticks(2) };
    for tick in ticks {
        let x = scale.at(tick);
        svg.line("grid", (x, TOP - 8.0), (x, bottom + 2.0));
        svg.text("tick", (x, bottom + 18.0), Anchor::Middle, &format(tick));
    }
}

fn draw(
    svg: &mut Svg,
    mark: Mark,
    class: &str,
    (scale, format): (Scale, fn(f64) -> String),
    y: f64,
    width: f64,
) {
    let number_at = (scale.from + width, y + 4.0);
    if let Some((low, high)) = mark.runs {
        svg.line(&format!("runs {class}"), (scale.at(low), y), (scale.at(high), y));
    }
    let (low, high) = mark.interval;
    svg.line(&format!("interval {class}"), (scale.at(low), y), (scale.at(high), y));
    svg.dot(&format!("estimate {class}"), (scale.at(mark.middle), y), 3.6);
    svg.text("number", number_at, Anchor::End, &format(mark.middle));
}

/// What the lines of the picture mean.
pub const CAPTION: &str = "Dot: the share of runs, or their median. Thick: its 95 % interval. Thin: from the 5th to the \
    95th of a hundred runs. Runs without a stop count the devices of the whole rollout.";

/// The head of the table beside the picture.
pub const TABLE_HEAD: [&str; 6] = [
    "",
    "stopped",
    "fires",
    "devices that got the firmware",
    "5 to 95 % of runs",
    "minutes to the stop",
];

/// A study as a row of the table beside the picture.
pub fn table_row(label: &str, study: &Study) -> [String; 6] {
    use super::format::{proportion, quantile};
    let spread = |spread: Option<Spread>, format: fn(f64) -> String| {
        spread.map_or_else(|| "never".to_owned(), |spread| quantile(spread.p50, format))
    };
    let range = study.exposed.map_or_else(String::new, |spread| {
        format!("{} to {}", count(spread.p5.value), count(spread.p95.value))
    });
    [
        label.to_owned(),
        proportion(study.stopped),
        proportion(study.fired),
        spread(study.exposed, count::<f64>),
        range,
        spread(study.minutes_to_stop, number_of_minutes),
    ]
}
