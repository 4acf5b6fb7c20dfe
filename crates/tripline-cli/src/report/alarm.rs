//! The panel of an alarm: its metric against the threshold, and its state below.

use maud::Markup;
use tripline::alarm::{AlarmDefinition, Limit, Statistic};
use tripline::metric::Metric;
use tripline::notification::AlarmState;
use tripline::time::Timestamp;
use tripline_simulation::simulation::{Reading, Trace};

use super::format::number;
use super::frame::{Frame, Span, minutes_at};
use super::picture::{AlarmPanel, StopMark};
use super::svg::Anchor;

/// Height of the band of states, with the gap above.
const BAND: f64 = 30.0;

/// What a value of an alarm is counted in.
pub fn unit(alarm: &AlarmDefinition) -> &'static str {
    if alarm.statistic == Statistic::SampleCount {
        return "reports";
    }
    if alarm.is_on_unsuccessful_rate() {
        return "% of notified devices";
    }
    match Metric::ALL.into_iter().find(|metric| metric.name() == alarm.metric) {
        Some(Metric::DownloadTime) => "seconds",
        Some(Metric::RetryCount) => "retries",
        Some(_) => "devices",
        None => "value",
    }
}

/// Whether a value is on the wrong side of the threshold.
pub fn breaches(alarm: &AlarmDefinition, value: f64) -> bool {
    match alarm.limit {
        Limit::Upper => value > alarm.threshold,
        Limit::Lower => value < alarm.threshold,
    }
}

/// The largest value that an axis over so many minutes must show.
pub fn largest(panel: &AlarmPanel<'_>, start: Timestamp, span: Span) -> f64 {
    let values = shown(panel.trace, start, span.minutes).filter_map(|reading| reading.slot.value);
    values.chain([panel.alarm.threshold]).filter(|value| value.is_finite()).fold(0.0, f64::max)
}

/// The readings of so many minutes.
pub fn shown(trace: &Trace, start: Timestamp, minutes: f64) -> impl Iterator<Item = &Reading> {
    trace.readings.iter().take_while(move |reading| minutes_at(start, reading.at) <= minutes)
}

/// The panel, the `index`th of its page.
pub fn panel(
    panel: &AlarmPanel<'_>,
    start: Timestamp,
    span: Span,
    stop: Option<&StopMark>,
    index: usize,
) -> Markup {
    let AlarmPanel { alarm, trace } = panel;
    let max = largest(panel, start, span) * 1.08;
    let axis = match alarm.is_on_unsuccessful_rate() {
        // A minute has one value.
        true => format!("{}, {}", alarm.metric, unit(alarm)),
        false => format!("{} of {}, {}", alarm.statistic, alarm.metric, unit(alarm)),
    };
    let mut frame = Frame::new(span, 150.0, max, &axis, BAND);
    values(&mut frame, alarm, trace, start);
    if !shown(trace, start, frame.x.max).any(|reading| reading.slot.value.is_some()) {
        frame.nothing("no data: no device has reported this metric");
    }
    let y = frame.y.at(alarm.threshold);
    frame.svg.line("threshold", (frame.x.from, y), (frame.right(), y));
    frame.labels(vec![(
        "threshold-label",
        alarm.threshold,
        format!("threshold {}", number(alarm.threshold)),
    )]);
    band(&mut frame, trace, start);
    if let Some(stop) = stop {
        frame.stop(stop, false);
    }
    frame.svg.finish(
        &format!("alarm-{index}"),
        &format!("Alarm {}", alarm.name),
        &description(alarm, trace, start),
    )
}

/// The values as a line that has gaps where periods have none, and a dot for each that breaches;
/// where several share a pixel, the one farthest on the wrong side stands for them.
fn values(frame: &mut Frame, alarm: &AlarmDefinition, trace: &Trace, start: Timestamp) {
    let farther = |one: f64, other: f64| match alarm.limit {
        Limit::Upper => one.max(other),
        Limit::Lower => one.min(other),
    };
    let mut columns: Vec<(f64, Option<f64>)> = Vec::new();
    for reading in shown(trace, start, frame.x.max) {
        let x = frame.x.at(minutes_at(start, reading.at)).round();
        match columns.last_mut() {
            Some((column, value)) if *column >= x => {
                *value = match (*value, reading.slot.value) {
                    (Some(one), Some(other)) => Some(farther(one, other)),
                    (one, other) => one.or(other),
                };
            }
            _ => columns.push((x, reading.slot.value)),
        }
    }
    for run in columns.split(|(_, value)| value.is_none()) {
        let points: Vec<(f64, f64)> =
            run.iter().filter_map(|(x, value)| Some((*x, frame.y.at((*value)?)))).collect();
        if let [(x, y)] = points.as_slice() {
            // A line of one point would not be seen.
            frame.svg.dot("value-dot", (*x, *y), 1.6);
        } else {
            frame.svg.path("curve value", points);
        }
    }
    let mut last = f64::NEG_INFINITY;
    for (x, value) in columns.iter().filter_map(|(x, value)| Some((*x, (*value)?))) {
        if breaches(alarm, value) && x - last >= 3.0 {
            frame.svg.dot("breach", (x, frame.y.at(value)), 2.4);
            last = x;
        }
    }
}

/// How a state is called on a picture: its class and its words.
fn words(state: AlarmState) -> (&'static str, &'static str) {
    match state {
        AlarmState::Alarm => ("state-alarm", "ALARM"),
        AlarmState::Ok => ("state-ok", "OK"),
        AlarmState::InsufficientData => ("state-none", "no data"),
    }
}

/// From when to when an alarm was in which state, in minutes.
pub fn states(trace: &Trace, start: Timestamp, end: f64) -> Vec<(f64, f64, AlarmState)> {
    let mut states: Vec<(f64, f64, AlarmState)> = Vec::new();
    for reading in shown(trace, start, end) {
        let at = minutes_at(start, reading.at);
        match states.last_mut() {
            Some((_, until, state)) => {
                *until = at;
                if *state != reading.state {
                    states.push((at, at, reading.state));
                }
            }
            None => states.push((0.0, at, reading.state)),
        }
    }
    if let Some(last) = states.last_mut() {
        last.1 = last.1.max(end.min(last.1 + 1.0));
    }
    states
}

fn band(frame: &mut Frame, trace: &Trace, start: Timestamp) {
    let (top, height) = (frame.bottom() - 18.0, 13.0);
    let mut last = f64::NEG_INFINITY;
    for (from, to, state) in states(trace, start, frame.x.max) {
        let (from, to) = (frame.x.at(from), frame.x.at(to));
        // What is narrower than a pixel is seen only if it is an alarm.
        if to - last < 1.0 && state != AlarmState::Alarm {
            continue;
        }
        let (class, words) = words(state);
        let width = (to - from).max(1.0);
        frame.svg.rect(class, (from, top), (width, height));
        if width > 54.0 {
            frame.svg.text(
                &format!("{class}-label"),
                (from + 6.0, top + 10.5),
                Anchor::Start,
                words,
            );
        }
        last = to;
    }
    frame.svg.text("label muted", (frame.right() + 8.0, top + 11.0), Anchor::Start, "state");
}

fn description(alarm: &AlarmDefinition, trace: &Trace, start: Timestamp) -> String {
    let breaching = trace.readings.iter().filter_map(|reading| reading.slot.value);
    let breaching = breaching.filter(|value| breaches(alarm, *value)).count();
    let fired = trace.transitions.iter().find(|transition| transition.to == AlarmState::Alarm);
    let fired = fired.map_or_else(
        || "it never went to ALARM".to_owned(),
        |transition| {
            format!(
                "it went to ALARM at minute {}",
                super::format::number_of_minutes(minutes_at(start, transition.at))
            )
        },
    );
    format!(
        "{} evaluations, in {breaching} of them the newest period breached; {fired}.",
        trace.readings.len()
    )
}
