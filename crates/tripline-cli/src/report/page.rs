//! The page around the pictures. It is well-formed XML too, so that any reader can take it apart: what HTML
//! has no end tag for is written out in [`HEAD`].

use maud::{Markup, PreEscaped, html};

use super::format::bounded;
use super::picture::Fact;

const STYLE: &str = include_str!("style.css");
/// No script, no style and no picture but its own: a name that got past the escaping does nothing either.
const HEAD: &str = "<meta charset=\"utf-8\"/>\n\
    <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\"/>\n\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
    <meta name=\"color-scheme\" content=\"light dark\"/>\n<link rel=\"icon\" href=\"data:,\"/>\n";
/// What a narrow screen shows under what is wider.
const CUE: &str = "Scroll sideways to see what does not fit.";
/// Longest heading of a row that is kept in one line, in characters.
const ONE_LINE: usize = 40;

/// A page that grows.
pub struct Page {
    title: String,
    body: Vec<Markup>,
}

impl Page {
    /// An empty page of this title.
    pub fn new(title: &str) -> Self {
        Self { title: bounded(title), body: Vec::new() }
    }

    /// The title and the verdict. `stopped` gives the verdict its color, if it is one.
    pub fn heading(&mut self, title: &str, verdict: &str, stopped: Option<bool>) {
        let class = match stopped {
            Some(true) => "verdict stopped",
            Some(false) => "verdict passed",
            None => "verdict",
        };
        self.body.push(html! {
            h1 { (bounded(title)) } "\n"
            p class=(class) { (bounded(verdict)) } "\n"
        });
    }

    /// A paragraph.
    pub fn paragraph(&mut self, class: &str, text: &str) {
        self.body.push(html! { p class=(class) { (bounded(text)) } "\n" });
    }

    /// Key numbers.
    pub fn facts(&mut self, facts: &[Fact]) {
        if facts.is_empty() {
            return;
        }
        self.body.push(html! {
            dl class="facts" {
                "\n"
                @for Fact { name, value } in facts {
                    div { dt { (bounded(name)) } dd { (bounded(value)) } } "\n"
                }
            }
            "\n"
        });
    }

    /// A picture with its heading and what it shows.
    pub fn figure(&mut self, heading: &str, svg: &Markup, caption: &str) {
        self.body.push(html! {
            figure {
                "\n" h2 { (bounded(heading)) } "\n"
                div class="picture" tabindex="0" { "\n" (svg) } "\n"
                p class="cue" { (CUE) } "\n"
                @if !caption.is_empty() { figcaption { (bounded(caption)) } "\n" }
            }
            "\n"
        });
    }

    /// A table of numbers.
    pub fn table<const N: usize>(&mut self, caption: &str, head: &[&str; N], rows: &[[String; N]]) {
        self.any_table("numbers", caption, head, rows);
    }

    /// A table of words.
    pub fn words<const N: usize>(&mut self, caption: &str, head: &[&str; N], rows: &[[String; N]]) {
        self.any_table("words", caption, head, rows);
    }

    fn any_table<const N: usize>(
        &mut self,
        class: &str,
        caption: &str,
        head: &[&str; N],
        rows: &[[String; N]],
    ) {
        self.body.push(html! {
            div class="table" tabindex="0" {
                "\n"
                table class=(class) {
                    "\n" caption { (bounded(caption)) } "\n"
                    thead { tr { @for cell in head { th scope="col" { (bounded(cell)) } } } } "\n"
                    tbody {
                        "\n"
                        @for row in rows {
                            tr {
                                @for (place, cell) in row.iter().enumerate() {
                                    @if place == 0 { (row_heading(cell)) }
                                    @else { td { (bounded(cell)) } }
                                }
                            }
                            "\n"
                        }
                        @if rows.is_empty() { tr { td colspan=(N) { "no data" } } "\n" }
                    }
                    "\n"
                }
                "\n"
            }
            "\n"
            p class="cue" { (CUE) } "\n"
        });
    }

    /// Paragraphs under a heading; nothing of none.
    pub fn notes(&mut self, heading: &str, notes: &[String]) {
        if notes.is_empty() {
            return;
        }
        self.body.push(html! {
            section class="notes" {
                "\n" h2 { (bounded(heading)) } "\n"
                ul {
                    "\n"
                    @for note in notes {
                        li {
                            @for (number, line) in note.lines().enumerate() {
                                @if number > 0 { (PreEscaped("<br/>\n")) }
                                (bounded(line.trim()))
                            }
                        }
                        "\n"
                    }
                }
                "\n"
            }
            "\n"
        });
    }

    /// The whole page; its last words say how to make it again.
    pub fn finish(self, made_by: &str) -> String {
        let page = html! {
            (PreEscaped("<!DOCTYPE html>\n"))
            html lang="en" xmlns="http://www.w3.org/1999/xhtml" {
                "\n"
                head {
                    "\n" (PreEscaped(HEAD)) title { (self.title) } "\n"
                    style { "\n" (PreEscaped(STYLE)) } "\n"
                }
                "\n"
                body {
                    "\n"
                    main { "\n" @for part in &self.body { (part) } } "\n"
                    footer { p { "Made by " code { (bounded(made_by)) } } } "\n"
                }
                "\n"
            }
            "\n"
        };
        page.into_string()
    }
}

/// The heading of a row, in one line unless it is long.
fn row_heading(cell: &str) -> Markup {
    let text = bounded(cell);
    let class = (text.chars().count() > ONE_LINE).then_some("long");
    html! { th scope="row" class=[class] { (text) } }
}
