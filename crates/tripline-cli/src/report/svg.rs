//! One SVG inside a page.

use maud::{Markup, PreEscaped, html};

use super::format::bounded;

/// An SVG that grows.
pub struct Svg {
    body: String,
    width: f64,
    height: f64,
}

/// Where a text stands.
#[derive(Debug, Clone, Copy)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// A place or a length, in tenths of a pixel.
fn tenths(value: f64) -> String {
    format!("{value:.1}")
}

impl Svg {
    /// An empty one of this size, in CSS pixels where the page is wide enough.
    pub fn new(width: f64, height: f64) -> Self {
        Self { body: String::new(), width, height }
    }

    fn push(&mut self, element: &Markup) {
        self.body.push_str(&element.0);
        self.body.push('\n');
    }

    /// A straight line.
    pub fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.push(&html! {
            line class=(class) x1=(tenths(x1)) y1=(tenths(y1)) x2=(tenths(x2)) y2=(tenths(y2)) {}
        });
    }

    /// A filled rectangle.
    pub fn rect(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64)) {
        let (width, height) = (tenths(width.max(0.0)), tenths(height.max(0.0)));
        self.push(&html! {
            rect class=(class) x=(tenths(x)) y=(tenths(y)) width=(width) height=(height) {}
        });
    }

    /// A filled disc.
    pub fn dot(&mut self, class: &str, (x, y): (f64, f64), radius: f64) {
        self.push(&html! {
            circle class=(class) cx=(tenths(x)) cy=(tenths(y)) r=(tenths(radius)) {}
        });
    }

    /// A line through points; nothing of none.
    pub fn path(&mut self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        let mut path = String::new();
        for (x, y) in points {
            path.push_str(&format!("{}{x:.1} {y:.1}", if path.is_empty() { "M" } else { "L" }));
        }
        if !path.is_empty() {
            self.push(&html! { path class=(class) d=(path) {} });
        }
    }

    /// A text, which may come from outside.
    pub fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        self.push(&html! {
            text class=(class) x=(tenths(x)) y=(tenths(y)) text-anchor=(anchor) { (bounded(text)) }
        });
    }

    /// The element. `id` distinguishes it from others of the page; `title` and `description` are for those
    /// who do not see it.
    pub fn finish(self, id: &str, title: &str, description: &str) -> Markup {
        let Self { body, width, height } = self;
        let (title_id, description_id) = (format!("{id}-title"), format!("{id}-desc"));
        html! {
            svg viewBox={"0 0 " (format!("{width:.0} {height:.0}"))} role="img"
                aria-labelledby={(title_id) " " (description_id)} {
                "\n" title id=(title_id) { (bounded(title)) } "\n"
                desc id=(description_id) { (bounded(description)) } "\n"
                (PreEscaped(body))
            }
            "\n"
        }
    }
}
