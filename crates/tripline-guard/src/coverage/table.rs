//! Coverage as people read it: a line, and a table.

use std::fmt::{self, Write};

use tripline::text::clean;

use super::{Coverage, Level, Shortfall, Status, Way};

/// Longest name of who sees something: an alarm's may be 255 characters long.
const MAX_NAME: usize = 160;

impl Coverage {
    /// One line: `guarded: stops on failures, rejections; alerts on slow devices, silent devices`.
    pub fn line(&self) -> String {
        let mut text = self.status.to_string();
        // That nothing covers it is what such a rollout asked for.
        let is_left_alone = matches!(self.status, Status::OptedOut | Status::Outside);
        let levels = [Level::Stops, Level::Alerts, Level::Nobody].into_iter();
        let levels = levels.filter(|level| !is_left_alone || *level != Level::Nobody);
        let groups = levels.map(|level| {
            let ways = Way::ALL.into_iter().filter(|way| self.of(*way).level == level);
            (level, ways.map(Way::short).collect::<Vec<_>>())
        });
        for (n, (level, ways)) in groups.filter(|(_, ways)| !ways.is_empty()).enumerate() {
            let becomes = match level {
                Level::Stops => "stops on",
                Level::Alerts => "alerts on",
                Level::Nobody | Level::NotNeeded => "nothing covers",
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
                Level::Nobody => "nobody",
                Level::Alerts => "alerts",
                Level::Stops => "stops",
                Level::NotNeeded => "-",
            };
            let shortfalls = seen.shortfalls.iter().map(ToString::to_string);
            let by = seen.by.as_deref().map(|by| clean(by, MAX_NAME));
            let because: Vec<String> = by.into_iter().chain(shortfalls).collect();
            [way.devices().to_owned(), level.to_owned(), because.join("; ")]
        };
        Way::ALL.map(row).into()
    }

    /// Each way to go wrong of which nobody would hear, with why, and what helps. `job`: as in [`super::Reason::fix`].
    pub fn unseen(&self, job: Option<&str>) -> Vec<String> {
        let mut lines = Vec::new();
        for way in self.uncovered() {
            let shortfalls = &self.of(way).shortfalls;
            let reasons: Vec<String> = shortfalls.iter().map(ToString::to_string).collect();
            lines.push(format!("nothing covers {}: {}", way.devices(), reasons.join("; ")));
            let mut fixes: Vec<String> = Vec::new();
            for fix in shortfalls.iter().filter_map(|shortfall| shortfall.reason.fix(job)) {
                if !fixes.contains(&fix) {
                    fixes.push(fix);
                }
            }
            lines.extend(fixes.into_iter().map(|fix| format!("  fix: {fix}")));
        }
        lines
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

/// Who, and why not: `own is not there`.
impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.by {
            Some(by) => write!(f, "{} {}", clean(by, MAX_NAME), self.reason),
            None => self.reason.fmt(f),
        }
    }
}

impl Way {
    /// In a list: `failures`.
    const fn short(self) -> &'static str {
        match self {
            Self::Fails => "failures",
            Self::Refuses => "rejections",
            Self::TimesOut => "timeouts",
            Self::Slow => "slow devices",
            Self::NeverAnswers => "silent devices",
        }
    }
}
