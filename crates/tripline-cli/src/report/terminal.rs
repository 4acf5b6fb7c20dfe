//! A rollout as text: rows of blocks for what devices do, and curves of braille dots.

use tripline::alarm::Limit;
use tripline::notification::AlarmState;
use tripline::text::clean;
use tripline_simulation::simulation::{EvidenceTrace, Reached};

use super::alarm::{breaches, largest, shown, states, unit};
use super::evidence;
use super::format::{count, minutes, number};
use super::frame::{Span, minutes_at};
use super::picture::{AlarmPanel, Picture, StopMark};
use super::rollout::{lines, values};
use super::scale::TimeAxis;
use tripline_guard::definition::in_words;

/// Fewest columns that are used.
const NARROWEST: usize = 40;
/// Most columns that are used: longer lines are hard to read.
const WIDEST: usize = 160;
/// Columns of the labels at the left.
const LABEL: usize = 12;
/// Columns of the numbers at the right.
const NUMBER: usize = 14;

/// The chart.
pub fn chart(picture: &Picture<'_>, width: usize) -> String {
    let width = width.clamp(NARROWEST, WIDEST);
    let span = Span::covering(&[&picture.record.minutes, picture.unguarded.unwrap_or_default()]);
    let paper = Paper { columns: width - LABEL - NUMBER - 2, width, span };
    let mut text = String::new();
    for line in &lines(picture.known) {
        let Some(values) = values(line, &picture.record.minutes) else { continue };
        let (last, most) =
            (values.last().copied().unwrap_or(0), values.iter().copied().max().unwrap_or(0));
        let number = if most > last { format!("max {}", count(most)) } else { count(last) };
        text.push_str(&paper.row(line.1, &paper.blocks(&values), &number));
    }
    text.push('\n');
    exposure(picture, &paper, &mut text);
    if let Some(trace) = picture.evidence {
        text.push('\n');
        evidence(trace, &paper, &mut text);
    }
    for panel in &picture.alarms {
        text.push('\n');
        alarm(panel, picture, &paper, &mut text);
    }
    paper.time(picture.stop.as_ref(), &mut text);
    text
}

fn exposure(picture: &Picture<'_>, paper: &Paper, text: &mut String) {
    let exposed =
        |minutes: &[Reached]| minutes.iter().map(|reached| reached.exposed).collect::<Vec<_>>();
    let with = exposed(&picture.record.minutes);
    let mut canvas = Canvas::new(paper.columns, 6);
    let height = f64::from(picture.devices).max(1.0);
    if let Some(without) = picture.unguarded.map(exposed) {
        for dot in (0..canvas.dots_wide()).step_by(3) {
            canvas.dot(dot, paper.value(&without, dot) / height);
        }
    }
    let mut before = 0.0;
    for dot in 0..canvas.dots_wide() {
        let value = paper.value(&with, dot) / height;
        canvas.stroke(dot, before, value);
        before = value;
    }
    let note = if picture.unguarded.is_some() { " (dotted: without the guards)" } else { "" };
    paper.title(&format!("devices that got the firmware{note}"), text);
    paper.plot(&canvas.lines(), &[(0, count(picture.devices)), (5, "0".to_owned())], text);
}

fn evidence(trace: &EvidenceTrace, paper: &Paper, text: &mut String) {
    const ROWS: usize = 4;
    let top = evidence::top(trace).max(f64::MIN_POSITIVE);
    let mut canvas = Canvas::new(paper.columns, ROWS);
    for dot in (0..canvas.dots_wide()).step_by(2) {
        canvas.dot(dot, trace.threshold / top);
    }
    let mut before = 0.0;
    for dot in 0..canvas.dots_wide() {
        let value = evidence::at(trace, paper.minute(dot, canvas.dots_wide())) / top;
        canvas.stroke(dot, before, value);
        before = value;
    }
    paper.title(&trace.brief, text);
    let row = canvas.row_of(trace.threshold / top);
    let axis = [(row, number(trace.threshold)), (ROWS - 1, "0".to_owned())];
    paper.plot(&canvas.lines(), &axis, text);
}

fn alarm(panel: &AlarmPanel<'_>, picture: &Picture<'_>, paper: &Paper, text: &mut String) {
    const ROWS: usize = 5;
    let AlarmPanel { alarm, trace } = panel;
    let max = largest(panel, picture.start, paper.span).max(f64::MIN_POSITIVE) * 1.08;
    let mut canvas = Canvas::new(paper.columns, ROWS);
    for dot in (0..canvas.dots_wide()).step_by(2) {
        canvas.dot(dot, alarm.threshold / max);
    }
    let mut breaching = vec![false; paper.columns];
    for reading in shown(trace, picture.start, paper.span.minutes) {
        let Some(value) = reading.slot.value else { continue };
        let dot = paper.dot_of(minutes_at(picture.start, reading.at));
        canvas.dot(dot, value / max);
        if let Some(column) = breaching.get_mut(dot / 2).filter(|_| breaches(alarm, value)) {
            *column = true;
        }
    }
    let watch = in_words(alarm);
    paper.title(&format!("{}: {watch}", alarm.name), text);
    let lines = canvas.lines();
    let row = canvas.row_of(alarm.threshold / max);
    let axis = [(0, number(max)), (row, number(alarm.threshold)), (ROWS - 1, "0".to_owned())];
    paper.plot(&lines, &axis, text);
    let marks: String =
        breaching.iter().map(|breaches| if *breaches { '!' } else { ' ' }).collect();
    let side = match alarm.limit {
        Limit::Upper => "over",
        Limit::Lower => "under",
    };
    text.push_str(&paper.row(side, &marks, unit(alarm)));
    text.push_str(&paper.row(
        "state",
        &paper.band(&states(trace, picture.start, paper.span.minutes)),
        "",
    ));
}

/// Where a chart goes.
struct Paper {
    /// Characters of a plot.
    columns: usize,
    width: usize,
    span: Span,
}

impl Paper {
    /// A line with a label at the left and a number at the right.
    fn row(&self, label: &str, plot: &str, number: &str) -> String {
        let line =
            format!("{:<LABEL$} {plot} {:>NUMBER$}", clean(label, LABEL), clean(number, NUMBER));
        format!("{}\n", line.trim_end())
    }

    fn title(&self, title: &str, text: &mut String) {
        text.push_str(&clean(title, self.width));
        text.push('\n');
    }

    /// A plot with its axis at the left: the labels of some rows.
    fn plot(&self, lines: &[String], axis: &[(usize, String)], text: &mut String) {
        for (row, line) in lines.iter().enumerate() {
            let label =
                axis.iter().rfind(|(at, _)| *at == row).map_or("", |(_, label)| label.as_str());
            text.push_str(format!("{:>LABEL$} {line}", clean(label, LABEL)).trim_end());
            text.push('\n');
        }
    }

    /// The minute in the middle of a part of the plot.
    #[allow(clippy::cast_precision_loss)]
    fn minute(&self, part: usize, parts: usize) -> f64 {
        (part as f64 + 0.5) / parts.max(1) as f64 * self.span.minutes
    }

    /// Which of the dots a minute is at.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn dot_of(&self, minute: f64) -> usize {
        let dots = self.columns * 2;
        // A float below 0 becomes 0.
        ((minute / self.span.minutes * dots as f64) as usize).min(dots.saturating_sub(1))
    }

    /// The value by the minute at a dot; behind the end, the last one.
    fn value(&self, values: &[u32], dot: usize) -> f64 {
        f64::from(at_minute(values, self.minute(dot, self.columns * 2)))
    }

    /// Values as blocks of eight heights, the largest being the highest.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn blocks(&self, values: &[u32]) -> String {
        const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let most = f64::from(values.iter().copied().max().unwrap_or(0)).max(1.0);
        let block = |column| match at_minute(values, self.minute(column, self.columns)) {
            0 => ' ',
            value => {
                let height = (f64::from(value) / most * 8.0).ceil() as usize;
                BLOCKS.get(height.saturating_sub(1)).copied().unwrap_or('█')
            }
        };
        (0..self.columns).map(block).collect()
    }

    /// States as a band.
    fn band(&self, states: &[(f64, f64, AlarmState)]) -> String {
        let mut band = vec![' '; self.columns];
        for (from, to, state) in states {
            let (sign, from, to) = match state {
                AlarmState::Alarm => ('█', self.dot_of(*from) / 2, self.dot_of(*to) / 2),
                AlarmState::Ok => ('─', self.dot_of(*from) / 2, self.dot_of(*to) / 2),
                AlarmState::InsufficientData => ('·', self.dot_of(*from) / 2, self.dot_of(*to) / 2),
            };
            for column in band.iter_mut().take(to + 1).skip(from).filter(|column| **column != '█')
            {
                *column = sign;
            }
        }
        band.into_iter().collect()
    }

    /// The axis of time, and the mark of the stop above it.
    fn time(&self, stop: Option<&StopMark>, text: &mut String) {
        if let Some(stop) = stop {
            let column = self.dot_of(stop.at.minutes()) / 2;
            let words = format!("stop, minute {}", minutes(stop.at));
            let line = if column + words.chars().count() + 2 > self.columns {
                format!("{:>1$}", format!("{words} ▲"), column + 1)
            } else {
                format!("{:column$}▲ {words}", "")
            };
            text.push_str(format!("{:LABEL$} {line}", "").trim_end());
            text.push('\n');
        }
        let axis = TimeAxis::new(self.span.minutes, u32::try_from(self.columns / 8).unwrap_or(4));
        let (mut marks, mut labels) = (vec!['─'; self.columns], vec![' '; self.columns + NUMBER]);
        let mut free = 0;
        for (minute, label) in axis.ticks() {
            let column = self.dot_of(minute) / 2;
            if let Some(mark) = marks.get_mut(column) {
                *mark = '┴';
            }
            if column >= free {
                for (place, c) in label.chars().enumerate() {
                    if let Some(at) = labels.get_mut(column + place) {
                        *at = c;
                    }
                }
                free = column + label.chars().count() + 1;
            }
        }
        let (marks, labels): (String, String) =
            (marks.into_iter().collect(), labels.into_iter().collect());
        text.push_str(&format!("{:LABEL$} {marks}\n", ""));
        text.push_str(format!("{:<LABEL$} {labels}", axis.unit).trim_end());
        text.push('\n');
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn at_minute(values: &[u32], minute: f64) -> u32 {
    values.get(minute as usize).or(values.last()).copied().unwrap_or(0)
}

/// Characters of braille: each has two dots beside each other and four above each other.
struct Canvas {
    columns: usize,
    rows: usize,
    cells: Vec<u8>,
}

impl Canvas {
    fn new(columns: usize, rows: usize) -> Self {
        Self { columns, rows, cells: vec![0; columns * rows] }
    }

    fn dots_wide(&self) -> usize {
        self.columns * 2
    }

    /// How far from the top a height is, of 0 at the bottom to 1 at the top.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn depth(&self, height: f64) -> usize {
        let last = (self.rows * 4).saturating_sub(1);
        let up = (height.clamp(0.0, 1.0) * last as f64).round() as usize;
        last.saturating_sub(up)
    }

    /// Which row of characters a height is in.
    fn row_of(&self, height: f64) -> usize {
        self.depth(height) / 4
    }

    fn dot(&mut self, x: usize, height: f64) {
        self.set(x, self.depth(height));
    }

    /// A vertical stroke, so that a steep line has no gaps.
    fn stroke(&mut self, x: usize, one: f64, other: f64) {
        let (one, other) = (self.depth(one), self.depth(other));
        for y in one.min(other)..=one.max(other) {
            self.set(x, y);
        }
    }

    fn set(&mut self, x: usize, y: usize) {
        const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        let bit = BITS.get(y % 4).and_then(|row| row.get(x % 2)).copied().unwrap_or(0);
        if let Some(cell) =
            self.cells.get_mut(y / 4 * self.columns + x / 2).filter(|_| x / 2 < self.columns)
        {
            *cell |= bit;
        }
    }

    fn lines(&self) -> Vec<String> {
        let character = |cell: &u8| match cell {
            0 => ' ',
            bits => char::from_u32(0x2800 + u32::from(*bits)).unwrap_or(' '),
        };
        self.cells
            .chunks(self.columns.max(1))
            .map(|row| row.iter().map(character).collect())
            .collect()
    }
}
