//! The page around the pictures. It is well-formed XML too, so that any reader can take it apart.

use super::format::escaped;
use super::picture::Fact;

const STYLE: &str = include_str!("style.css");

/// A page that grows.
pub struct Page {
    html: String,
}

impl Page {
    /// An empty page of this title.
    pub fn new(title: &str) -> Self {
        let title = escaped(title);
        // No script, no style and no picture but its own: a name that got past the escaping does
        // nothing either.
        let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
        let html = format!(
            "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n<meta charset=\"utf-8\"/>\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\"/>\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
             <meta name=\"color-scheme\" content=\"light dark\"/>\n<link rel=\"icon\" href=\"data:,\"/>\n<title>{title}</title>\n\
             <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
        );
        Self { html }
    }

    /// The title and the verdict. `stopped` gives the verdict its color, if it is one.
    pub fn heading(&mut self, title: &str, verdict: &str, stopped: Option<bool>) {
        let class = match stopped {
            Some(true) => "verdict stopped",
            Some(false) => "verdict passed",
            None => "verdict",
        };
        let (title, verdict) = (escaped(title), escaped(verdict));
        self.html.push_str(&format!("<h1>{title}</h1>\n<p class=\"{class}\">{verdict}</p>\n"));
    }

    /// A paragraph.
    pub fn paragraph(&mut self, class: &str, text: &str) {
        self.html.push_str(&format!("<p class=\"{class}\">{}</p>\n", escaped(text)));
    }

    /// Key numbers.
    pub fn facts(&mut self, facts: &[Fact]) {
        if facts.is_empty() {
            return;
        }
        self.html.push_str("<dl class=\"facts\">\n");
        for Fact { name, value } in facts {
            let (name, value) = (escaped(name), escaped(value));
            self.html.push_str(&format!("<div><dt>{name}</dt><dd>{value}</dd></div>\n"));
        }
        self.html.push_str("</dl>\n");
    }

    /// A picture, which is markup, with its heading and what it shows.
    pub fn figure(&mut self, heading: &str, svg: &str, caption: &str) {
        let (heading, caption) = (escaped(heading), escaped(caption));
        self.html.push_str(&format!(
            "<figure>\n<h2>{heading}</h2>\n<div class=\"picture\">\n{svg}</div>\n"
        ));
        if !caption.is_empty() {
            self.html.push_str(&format!("<figcaption>{caption}</figcaption>\n"));
        }
        self.html.push_str("</figure>\n");
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
        let caption = escaped(caption);
        self.html.push_str(&format!("<div class=\"table\">\n<table class=\"{class}\">\n<caption>{caption}</caption>\n<thead><tr>"));
        for cell in head {
            self.html.push_str(&format!("<th scope=\"col\">{}</th>", escaped(cell)));
        }
        self.html.push_str("</tr></thead>\n<tbody>\n");
        for row in rows {
            self.html.push_str("<tr>");
            for (place, cell) in row.iter().enumerate() {
                let cell = escaped(cell);
                let cell = if place == 0 {
                    format!("<th scope=\"row\">{cell}</th>")
                } else {
                    format!("<td>{cell}</td>")
                };
                self.html.push_str(&cell);
            }
            self.html.push_str("</tr>\n");
        }
        self.html.push_str("</tbody>\n</table>\n</div>\n");
    }

    /// Paragraphs under a heading; nothing of none.
    pub fn notes(&mut self, heading: &str, notes: &[String]) {
        if notes.is_empty() {
            return;
        }
        self.html
            .push_str(&format!("<section class=\"notes\">\n<h2>{}</h2>\n<ul>\n", escaped(heading)));
        for note in notes {
            let lines: Vec<String> = note.lines().map(|line| escaped(line.trim())).collect();
            self.html.push_str(&format!("<li>{}</li>\n", lines.join("<br/>\n")));
        }
        self.html.push_str("</ul>\n</section>\n");
    }

    /// The whole page; its last words say how to make it again.
    pub fn finish(mut self, made_by: &str) -> String {
        let made_by = escaped(made_by);
        self.html.push_str(&format!(
            "</main>\n<footer><p>Made by <code>{made_by}</code></p></footer>\n</body>\n</html>\n"
        ));
        self.html
    }
}
