//! The panel of evidence: its number by the minute against the threshold.

use maud::Markup;
use tripline_simulation::simulation::EvidenceTrace;

use super::format::number;
use super::frame::{Frame, Span};
use super::picture::StopMark;

/// How far above the threshold evidence is drawn: it has no end.
const ABOVE: f64 = 1.5;

/// The largest value of the axis.
pub fn top(trace: &EvidenceTrace) -> f64 {
    trace.threshold * ABOVE
}

/// The panel.
pub fn panel(trace: &EvidenceTrace, span: Span, stop: Option<&StopMark>) -> Markup {
    let mut frame = Frame::new(span, 120.0, top(trace), "evidence (log10)", 0.0);
    let points = shown(trace, span.minutes);
    let points = points.map(|(minute, value)| (frame.x.at(minute), frame.y.at(value)));
    let points: Vec<(f64, f64)> = points.collect();
    if points.is_empty() {
        frame.nothing("no data: nobody computed evidence");
    }
    frame.svg.path("curve value", points);
    let y = frame.y.at(trace.threshold);
    frame.svg.line("threshold", (frame.x.from, y), (frame.right(), y));
    let label = format!("stops at {}", number(trace.threshold));
    frame.labels(vec![("threshold-label", trace.threshold, label)]);
    if let Some(stop) = stop {
        frame.stop(stop, false);
    }
    frame.svg.finish("evidence", "Evidence", &trace.brief)
}

/// What the panel shows, in words.
pub fn caption(trace: &EvidenceTrace) -> String {
    format!(
        "{}. At 1, at most 1 in 10 rollouts within their limits ever get there; at 2, 1 in 100. It never falls.",
        trace.brief
    )
}

/// The evidence at a minute; behind the end, the last one. What is above the axis is at its end.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn at(trace: &EvidenceTrace, minute: f64) -> f64 {
    let value = trace.minutes.get(minute as usize).or(trace.minutes.last());
    value.copied().unwrap_or(0.0).min(top(trace))
}

/// The minutes within a time axis and their evidence, what is above the axis at its end.
pub fn shown(trace: &EvidenceTrace, minutes: f64) -> impl Iterator<Item = (f64, f64)> {
    let numbered = (0_u32..).map(f64::from).zip(trace.minutes.iter().copied());
    let top = top(trace);
    numbered.take_while(move |(minute, _)| *minute <= minutes).map(move |(m, v)| (m, v.min(top)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_drawn_to_the_end_of_the_axes_and_no_further() {
        let minutes = vec![0.0, 0.5, 1e9, 1e9];
        let trace = EvidenceTrace { threshold: 2.0, minutes, brief: String::new() };
        let points: Vec<_> = shown(&trace, 2.0).collect();
        assert_eq!(points, [(0.0, 0.0), (1.0, 0.5), (2.0, 3.0)]);
        assert_eq!([0.9, 1.0, 2.0, 9.0].map(|minute| at(&trace, minute)), [0.0, 0.5, 3.0, 3.0]);
    }
}
