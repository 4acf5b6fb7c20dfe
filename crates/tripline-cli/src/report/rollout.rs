//! The panels of the rollout itself: what the devices did, and how many got the firmware.

use maud::Markup;
use tripline_simulation::simulation::Reached;

use super::format::{count, percent};
use super::frame::{Frame, Span, label};
use super::picture::{Known, Picture};

/// A line of the first panel: its CSS class, its name, what of a minute it shows.
type Line = (&'static str, &'static str, fn(&Reached) -> u32);

/// The lines, of which those are drawn that are ever above 0.
pub fn lines(known: Known) -> [Line; 7] {
    [
        ("notified", known.notified(), |reached| reached.notified),
        ("progress", "in progress", |reached| reached.progress.in_progress),
        ("succeeded", "succeeded", |reached| reached.progress.ended.succeeded),
        ("failed", "failed", |reached| reached.progress.ended.failed),
        ("rejected", "rejected", |reached| reached.progress.ended.rejected),
        ("timed-out", "timed out", |reached| reached.progress.ended.timed_out),
        ("canceled", "canceled", |reached| reached.progress.canceled),
    ]
}

/// What a line shows, by the minute; `None` if that is nothing at any time.
pub fn values(line: &Line, minutes: &[Reached]) -> Option<Vec<u32>> {
    let values: Vec<u32> = minutes.iter().map(line.2).collect();
    values.iter().any(|value| *value > 0).then_some(values)
}

/// Devices by what they are doing.
pub fn progress(picture: &Picture<'_>, span: Span) -> Markup {
    let minutes = &picture.record.minutes;
    let most = minutes.iter().map(|reached| reached.notified).max().unwrap_or(0);
    let mut frame = Frame::new(span, 240.0, f64::from(most) * 1.04, "devices", 0.0);
    let mut labels = Vec::new();
    for line in &lines(picture.known) {
        let Some(values) = values(line, minutes) else { continue };
        frame.curve(&format!("curve {}", line.0), &values);
        labels.push((
            line.0,
            values.last().copied().map_or(0.0, f64::from),
            label(line.1, &values),
        ));
    }
    if labels.is_empty() {
        frame.nothing("no data: no device was notified");
    }
    let description =
        labels.iter().map(|(_, _, text)| text.as_str()).collect::<Vec<_>>().join(", ");
    frame.labels(labels);
    if let Some(stop) = &picture.stop {
        frame.stop(stop, true);
    }
    frame.svg.finish("progress", "The rollout over time", &format!("In the end: {description}."))
}

/// Devices that got the firmware, with the guards and without.
pub fn exposure(picture: &Picture<'_>, span: Span) -> Markup {
    let devices = f64::from(picture.devices);
    let exposed =
        |minutes: &[Reached]| minutes.iter().map(|reached| reached.exposed).collect::<Vec<u32>>();
    let with = exposed(&picture.record.minutes);
    let without = picture.unguarded.map(exposed);
    let mut frame = Frame::new(span, 180.0, devices * 1.04, "devices", 0.0);
    let fleet = frame.y.at(devices);
    frame.svg.line("fleet", (frame.x.from, fleet), (frame.right(), fleet));
    let last = |values: &[u32]| values.last().copied().unwrap_or(0);
    let mut labels = Vec::new();
    let reached = picture.stop.as_ref().map_or(last(&with), |stop| stop.reached.exposed);
    let name = if picture.stop.is_some() { "at the stop" } else { "got it" };
    if let Some(without) = without.as_deref().filter(|without| **without != *with) {
        frame.curve("curve unguarded", without);
        labels.push(("notified", f64::from(last(without)), label("unguarded", without)));
    }
    frame.curve("curve exposed", &with);
    if with.is_empty() {
        frame.nothing("no data: no device was notified");
    }
    labels.push(("exposed", f64::from(last(&with)), format!("{name} {}", count(reached))));
    if !labels.iter().any(|(_, value, _)| (frame.y.at(*value) - fleet).abs() < 24.0) {
        labels.push((
            "muted",
            devices,
            format!("{} {}", picture.known.fleet(), count(picture.devices)),
        ));
    }
    frame.labels(labels);
    // Of a recording it is known who ended later, and of none that it would have been spared.
    let (all, word) = match picture.known {
        Known::All => (picture.devices, "spared"),
        Known::Ended => (last(&with), "ended later"),
    };
    let spared = all.saturating_sub(reached);
    if let Some(stop) = &picture.stop {
        frame.stop(stop, false);
        let (top, bottom) = (frame.y.at(f64::from(all)), frame.y.at(f64::from(reached)));
        let x = frame.x.at(stop.at.minutes());
        let share = percent(f64::from(spared) / f64::from(all).max(1.0));
        frame.svg.line("span", (x, top), (x, bottom));
        frame.at_stop(stop, "label spared", &format!("{} {word} ({share})", count(spared)));
    }
    let [reached, all, spared] = [reached, all, spared].map(count);
    let description = match picture.known {
        Known::All => format!("{reached} of {all} devices got the firmware, {spared} did not."),
        Known::Ended => format!(
            "Of {all} devices that ended with the firmware, or after trying it, {spared} ended after the stop."
        ),
    };
    frame.svg.finish("exposure", "Devices that got the firmware", &description)
}
