//! Coverage as people read it: a line, and a table.

use std::fmt::Write;

use super::{Coverage, Level, Way};

impl Coverage {
    /// One line: `guarded: failing, refusing: stops; slow, never answering: alerts`.
    pub fn line(&self) -> String {
        let mut text = self.status.to_string();
        let groups = [Level::Stops, Level::Alerts, Level::Nobody].map(|level| {
            let ways = Way::ALL.into_iter().filter(|way| self.of(*way).level == level);
            (level, ways.map(Way::short).collect::<Vec<_>>())
        });
        for (n, (level, ways)) in
            groups.into_iter().filter(|(_, ways)| !ways.is_empty()).enumerate()
        {
            let becomes = match level {
                Level::Stops => "stops on",
                Level::Alerts => "alerts on",
                Level::Nobody | Level::NotNeeded => "nobody sees",
            };
            let before = if n == 0 { ": " } else { "; " };
            // Writing to a string does not fail.
            let _ = write!(text, "{before}{becomes} {}", ways.join(", "));
        }
        text
    }

    /// A row for each way: what becomes of it, by whom, and what keeps others from more.
    pub fn rows(&self) -> Vec<[String; 3]> {
        let row = |way: Way| {
            let seen = self.of(way);
            let level = match seen.level {
                Level::Nobody => "nobody sees it",
                Level::Alerts => "alerts",
                Level::Stops => "stops",
                Level::NotNeeded => "-",
            };
            let shortfalls = seen.shortfalls.iter().map(|shortfall| match &shortfall.by {
                Some(by) => format!("{by} {}", shortfall.reason),
                None => shortfall.reason.to_string(),
            });
            let by = seen.by.clone().map(|by| by.to_string());
            let because: Vec<String> = by.into_iter().chain(shortfalls).collect();
            [way.devices().to_owned(), level.to_owned(), because.join("; ")]
        };
        Way::ALL.map(row).into()
    }

    /// The rows in columns, each line behind `indent`.
    pub fn table(&self, indent: &str) -> String {
        let rows = self.rows();
        let width = |column: fn(&[String; 3]) -> &String| {
            rows.iter().map(|row| column(row).chars().count()).max().unwrap_or(0)
        };
        let (first, second) = (width(|[way, ..]| way), width(|[_, level, _]| level));
        let mut text = String::new();
        for [way, level, because] in &rows {
            let line = format!("{indent}{way:first$}  {level:second$}  {because}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text
    }
}

impl Way {
    /// In a list: `fails`.
    const fn short(self) -> &'static str {
        match self {
            Self::Fails => "failing",
            Self::Refuses => "refusing",
            Self::TimesOut => "timing out",
            Self::Slow => "slow",
            Self::NeverAnswers => "silent",
        }
    }
}
