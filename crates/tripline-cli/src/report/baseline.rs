//! Past rollouts and the limits of the next one, as a page.

use super::page::Page;
use super::scale::{Scale, TimeAxis};
use super::svg::{Anchor, Svg};
use maud::Markup;

/// A baseline to be drawn.
pub struct BaselinePicture<'a> {
    /// The baseline's name.
    pub title: &'a str,
    /// What it is of, in one sentence.
    pub verdict: String,
    /// By the minute, from 0.
    pub minutes: Vec<Shares>,
    /// What a healthy rollout may be worse by.
    pub caption: String,
    /// Age, past rollouts, the slowest one, limit.
    pub rows: Vec<[String; 4]>,
    /// Things to know, each a paragraph.
    pub notes: Vec<String>,
    /// How to make this page again.
    pub made_by: String,
}

/// Shares of devices that are unfinished at an age, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    /// Of all past rollouts together.
    pub pooled: f64,
    /// Of the slowest one.
    pub slowest: f64,
    /// What the next one may have.
    pub limit: f64,
}

const WIDTH: f64 = 920.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 752.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 258.0;
/// Most points of a line.
const POINTS: usize = 700;

/// A line: its CSS class, its name, what of a minute it shows.
type Line = (&'static str, &'static str, fn(&Shares) -> f64);

const LINES: [Line; 3] = [
    ("progress", "past rollouts", |shares| shares.pooled),
    ("timed-out", "the slowest", |shares| shares.slowest),
    ("failed", "limit", |shares| shares.limit),
];

/// The page.
pub fn html(picture: &BaselinePicture<'_>) -> String {
    let mut page = Page::new(picture.title);
    page.heading(picture.title, &picture.verdict, None);
    page.figure("Devices that are still in progress", &curves(&picture.minutes), &picture.caption);
    let head = ["after", "past rollouts", "the slowest", "at most"];
    page.table(
        "Still in progress, at the ages at which devices are followed",
        &head,
        &picture.rows,
    );
    page.notes("What is to be known of this baseline", &picture.notes);
    page.finish(&picture.made_by)
}

fn curves(minutes: &[Shares]) -> Markup {
    let last = f64::from(u32::try_from(minutes.len().saturating_sub(1)).unwrap_or(u32::MAX));
    let (x, y) = (Scale::new(last, LEFT, RIGHT), Scale::new(100.0, BOTTOM, TOP));
    let mut svg = Svg::new(WIDTH, HEIGHT);
    svg.text("axis", (0.0, TOP - 12.0), Anchor::Start, "% of devices");
    for tick in y.ticks(5) {
        svg.line("grid", (LEFT, y.at(tick)), (RIGHT, y.at(tick)));
        svg.text("tick", (LEFT - 8.0, y.at(tick) + 4.0), Anchor::End, &super::format::number(tick));
    }
    svg.line("frame", (LEFT, BOTTOM), (RIGHT, BOTTOM));
    let axis = TimeAxis::new(last, 9);
    for (minute, label) in axis.ticks() {
        svg.line("frame", (x.at(minute), BOTTOM), (x.at(minute), BOTTOM + 4.0));
        svg.text("tick", (x.at(minute), BOTTOM + 17.0), Anchor::Middle, &label);
    }
    let name = format!("{} since a device began", axis.unit);
    svg.text("axis", (RIGHT, BOTTOM + 34.0), Anchor::End, &name);
    let step = minutes.len() / POINTS + 1;
    for (place, (class, name, share)) in (0_u32..).zip(LINES) {
        let points = (0_u32..).zip(minutes).step_by(step);
        let points =
            points.map(|(age, shares)| (x.at(f64::from(age)), y.at(share(shares) * 100.0)));
        svg.path(&format!("curve {class}"), points);
        let at = (RIGHT + 8.0, TOP + 8.0 + 18.0 * f64::from(place));
        svg.text(&format!("label {class}"), at, Anchor::Start, name);
    }
    if minutes.is_empty() {
        let middle = (LEFT.midpoint(RIGHT), TOP.midpoint(BOTTOM));
        svg.text("nothing", middle, Anchor::Middle, "no data: no past rollout");
    }
    svg.finish(
        "baseline",
        "Devices that are still in progress by age",
        "Past rollouts, the slowest of them, and the limit of the next one.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_line_for_each_share_and_escapes_what_is_from_outside() {
        let falling = |age: u32| Shares {
            pooled: 1.0 / f64::from(age + 1),
            slowest: 1.0 / f64::from(age + 1).sqrt(),
            limit: 1.0,
        };
        let picture = BaselinePicture {
            title: "<b>fw",
            verdict: "2 rollouts".to_owned(),
            minutes: (0..9_000).map(falling).collect(),
            caption: String::new(),
            rows: vec![["5 min", "9 %", "10 %", "12 %"].map(str::to_owned)],
            notes: vec!["a".to_owned()],
            made_by: "x".to_owned(),
        };
        let page = html(&picture);
        assert!(page.contains("<title>&lt;b&gt;fw</title>") && !page.contains("<b>"), "{page}");
        assert_eq!(page.matches("class=\"curve ").count(), 3);
        assert!(
            page.contains("days since a device began") && page.len() < 60_000,
            "{}",
            page.len()
        );
        html(&BaselinePicture { minutes: Vec::new(), ..picture });
    }
}
