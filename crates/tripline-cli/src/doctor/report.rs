//! What came of the checks, for people and for programs.

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::Serialize;
use tripline::text::clean;
use tripline_guard::coverage::Coverage;

use super::check::{About, Check};
use super::checks::checks;
use super::result::{CheckResult, NotProven};
use crate::terminal::coverage::CoverageData;
use crate::terminal::document::document;
use crate::terminal::table::table;

/// Longest line of what is said of one check.
const MAX_LINE: usize = 4_000;

/// Whom the answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
    /// A test report for CI
    Junit,
}

/// What came of a check.
#[derive(Debug)]
pub struct Checked {
    pub check: &'static Check,
    pub judged: CheckResult,
    /// The operator accepts whatever comes of it.
    pub allowed: bool,
    /// What was done about it.
    pub fixed: Option<String>,
}

/// What came of all of them.
#[derive(Debug)]
pub struct Report {
    pub stack: String,
    pub region: String,
    pub job: Option<String>,
    /// What would be seen of the job if it went wrong, where that is known.
    pub coverage: Option<Coverage>,
    pub checked: Vec<Checked>,
}

impl Checked {
    /// One word for it.
    pub fn result(&self) -> &'static str {
        match self.judged {
            Ok(_) => "ok",
            Err(NotProven::Finding { .. }) => "finding",
            Err(NotProven::Unknown(_) | NotProven::Untold(_)) => "unknown",
            Err(NotProven::Skipped(_) | NotProven::Elsewhere { .. }) => "skipped",
        }
    }

    /// What was seen, what is wrong, or why it is not known.
    pub fn detail(&self) -> &str {
        match &self.judged {
            Ok(seen) => seen,
            Err(NotProven::Finding { what, .. }) => what,
            Err(
                NotProven::Unknown(why)
                | NotProven::Untold(why)
                | NotProven::Skipped(why)
                | NotProven::Elsewhere { why, .. },
            ) => why,
        }
    }

    /// The command that fixes it.
    pub fn fix(&self) -> Option<&str> {
        match &self.judged {
            Err(NotProven::Finding { fix, .. }) => Some(fix),
            _ => None,
        }
    }

    /// Whether it is a fault in the proof.
    pub fn counts(&self) -> bool {
        !self.allowed
            && matches!(self.judged, Err(NotProven::Finding { .. } | NotProven::Unknown(_)))
    }

    fn row(&self) -> [String; 3] {
        let result = match self.result() {
            result if self.allowed && self.judged.is_err() && result != "skipped" => {
                format!("{result}, allowed")
            }
            "finding" => "FINDING".to_owned(),
            result => result.to_owned(),
        };
        [self.check.name.to_owned(), result, self.detail().to_owned()]
    }

    fn data(&self) -> CheckedData {
        CheckedData {
            name: self.check.name,
            result: self.result(),
            detail: self.detail().to_owned(),
            why: self.check.why,
            fix: self.fix().map(str::to_owned),
            allowed: self.allowed,
            fixed: self.fixed.clone(),
            counts: self.counts(),
        }
    }
}

impl Report {
    /// Whether everything was proven, or is allowed.
    pub fn is_sound(&self) -> bool {
        !self.checked.iter().any(Checked::counts)
    }

    /// How many came to this.
    pub fn count(&self, result: &str) -> usize {
        self.checked.iter().filter(|checked| checked.result() == result).count()
    }

    /// What was checked.
    pub fn subject(&self) -> String {
        let job = self.job.as_ref().map_or(String::new(), |job| format!(", job `{job}`"));
        format!("stack `{}` in `{}`{job}", self.stack, self.region)
    }

    /// A line for each check, and the findings under it.
    pub fn text(&self) -> String {
        let rows: Vec<_> = self.checked.iter().map(Checked::row).collect();
        let mut text = table(["CHECK", "RESULT", "WHAT"], &rows);
        for checked in self.checked.iter().filter(|checked| checked.fix().is_some()) {
            text += &format!("\n{}: {}\n", checked.check.name, clean(checked.detail(), MAX_LINE));
            text += &format!("  why:  {}\n", checked.check.why);
            let fix = checked.fix().unwrap_or_default();
            for (index, line) in fix.lines().enumerate() {
                let head = if index == 0 { "fix:" } else { "     " };
                text += &format!("  {head} {}\n", clean(line, MAX_LINE));
            }
        }
        text
    }

    /// The same for programs.
    pub fn data(&self) -> ReportData {
        ReportData {
            stack: self.stack.clone(),
            region: self.region.clone(),
            job_id: self.job.as_ref().map(ToString::to_string),
            sound: self.is_sound(),
            ok: self.count("ok"),
            findings: self.count("finding"),
            unknown: self.count("unknown"),
            skipped: self.count("skipped"),
            coverage: self.coverage.as_ref().map(CoverageData::from),
            checks: self.checked.iter().map(Checked::data).collect(),
        }
    }

    /// The last word.
    pub fn summary(&self) -> String {
        let [ok, findings, unknown, skipped] =
            ["ok", "finding", "unknown", "skipped"].map(|result| self.count(result));
        let verdict = match (self.is_sound(), &self.job) {
            (true, None) => "armed",
            (true, Some(_)) => "armed and guarded",
            (false, _) => "not proven",
        };
        format!(
            "{}: {verdict}; {ok} ok, {findings} {}, {unknown} unknown, {skipped} skipped",
            self.subject(),
            if findings == 1 { "finding" } else { "findings" }
        )
    }
}

/// What the checks came to, or which there are.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum DoctorData {
    Report(Box<ReportData>),
    List(ListData),
}

/// What the checks of a stack and a job came to.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportData {
    stack: String,
    region: String,
    job_id: Option<String>,
    /// Everything was proven, or is allowed.
    sound: bool,
    ok: usize,
    findings: usize,
    unknown: usize,
    skipped: usize,
    /// What would be seen if the rollout went wrong.
    coverage: Option<CoverageData>,
    checks: Vec<CheckedData>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CheckedData {
    name: &'static str,
    /// `ok`, `finding`, `unknown` or `skipped`.
    result: &'static str,
    detail: String,
    /// Why it matters.
    why: &'static str,
    /// What puts it right.
    fix: Option<String>,
    allowed: bool,
    /// What `--fix` has done.
    fixed: Option<String>,
    /// Whether it makes the report unsound.
    counts: bool,
}

/// The checks there are.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListData {
    checks: Vec<ListedCheck>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ListedCheck {
    name: &'static str,
    /// `stack`, `releases` or `job`.
    about: &'static str,
    /// What it proves.
    proves: &'static str,
    /// Why it matters.
    why: &'static str,
    /// Whether `--fix` can put it right.
    fix: bool,
}

/// The checks there are.
pub fn list(format: Format) -> String {
    let about = |check: &Check| match check.about {
        About::Stack => "stack",
        About::Releases => "releases",
        About::Job => "job",
    };
    match format {
        Format::Text | Format::Junit => {
            let rows: Vec<[String; 4]> = checks()
                .map(|check| {
                    let fix = if check.fix.is_some() { "yes" } else { "" };
                    [check.name, about(check), fix, check.proves].map(str::to_owned)
                })
                .collect();
            table(["CHECK", "ABOUT", "FIX", "PROVES"], &rows)
        }
        Format::Json => {
            let checks = checks().map(|check| ListedCheck {
                name: check.name,
                about: about(check),
                proves: check.proves,
                why: check.why,
                fix: check.fix.is_some(),
            });
            let list = DoctorData::List(ListData { checks: checks.collect() });
            format!(
                "{:#}
",
                document(&list)
            )
        }
    }
}
