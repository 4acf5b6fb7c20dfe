//! Reads a recording, and says what is wrong with it.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use serde_json::Value;
use tripline::diagnostic::Diagnostic;
use tripline::job::JobId;
use tripline::text::nearest;
use tripline_simulation::replay::{NoRollout, RecordedRollout, Recording, Unusable};

use super::lines::{LONGEST, Line, Lines};
use crate::exit::Error;
use crate::report::format::count;
use crate::terminal::print::say;
use crate::terminal::progress::{clear_line, show_line};

/// Malformed lines that are shown one by one.
const SHOWN: u64 = 5;
/// Jobs that are listed.
const LISTED: usize = 20;
/// After so many lines it is said how many there were, to a person who waits.
const PATIENCE: u64 = 500_000;

/// A recording as it was read.
pub struct Read {
    pub lines: u64,
    pub malformed: u64,
    pub rollout: RecordedRollout,
}

/// What is wanted of a recording.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The job, if the recording has events of several.
    pub job: Option<JobId>,
    /// Whether a malformed line is a fault.
    pub strict: bool,
    /// Whether it is to be known when each device began and ended.
    pub devices: bool,
}

/// Reads the rollout of one job. `file` is what the messages call the recording.
pub fn rollout(file: &str, mut lines: Lines, wanted: Wanted) -> Result<Read, Error> {
    let Wanted { job, strict, devices } = wanted;
    let mut recording = Recording::new(job.clone());
    if devices {
        recording = recording.keeping_devices();
    }
    let (mut read, mut malformed) = (0, Malformed { file, strict, lines: 0, shape: SHAPE });
    loop {
        let (number, line) = match lines.next() {
            Ok(None) => break,
            Ok(Some((_, Line::Whole(line)))) if line.iter().all(u8::is_ascii_whitespace) => {
                continue;
            }
            Ok(Some(line)) => line,
            Err(error) if error.kind() == ErrorKind::FileTooLarge => {
                return Err(Error::in_file(file, format!("{error}"))
                    .hint("keep the events of one job, for example with `grep`"));
            }
            Err(error) => {
                let number = lines.number();
                return Err(Error::in_file(
                    file,
                    format!("cannot be read after line {number}: {error}"),
                ));
            }
        };
        read += 1;
        if let Line::Whole(line) = line
            && read == 1
        {
            malformed.shape = envelope(line).unwrap_or(SHAPE);
        }
        let taken = match line {
            Line::Whole(line) => recording.read(number, line).map_err(|why| why.to_string()),
            Line::TooLong => Err(format!("longer than {LONGEST} bytes")),
        };
        if let Err(why) = taken {
            malformed.found(number, &why)?;
        }
        if read % PATIENCE == 0 {
            show_line(&format!("{file}: {} lines", thousands(read)));
        }
    }
    if read >= PATIENCE {
        clear_line();
    }
    let rollout = recording.rollout();
    if let Ok(rollout) = &rollout {
        malformed.found_far_away(rollout)?;
    }
    let Malformed { lines: malformed, shape, .. } = malformed;
    if malformed > read / 2 && !matches!(rollout, Err(NoRollout::Empty)) {
        return Err(Error::in_file(file, format!("{} of {} lines are malformed (expected at most half), so the others are not replayed", thousands(malformed), thousands(read))).hint(shape));
    }
    if malformed > 0 {
        say(&format!(
            "warning: {file}: malformed and skipped: {} of {} lines",
            thousands(malformed),
            thousands(read)
        ));
    }
    match rollout {
        Ok(rollout) => Ok(Read { lines: read, malformed, rollout }),
        Err(why) => Err(Error::input(fault(&why, job.as_ref(), read, shape).in_file(file, None))),
    }
}

/// What a line of a recording is.
const SHAPE: &str = "a recording has one job-execution event a line, as the IoT rule delivers it";

/// What to do about a line in which another service has put the event.
fn envelope(line: &[u8]) -> Option<&'static str> {
    let value: Value = serde_json::from_slice(line).ok()?;
    let has = |key: &str| value.get(key).is_some();
    if has("eventType") {
        return None;
    }
    if has("TopicArn") && has("Message") {
        return Some(
            "these are messages of SNS; `jq -c '.Message | fromjson'` takes the events out of them",
        );
    }
    if has("Records") {
        return Some(
            "these are invocations of a function; `jq -c '.Records[] | (.body // .Sns.Message) | fromjson'` takes the events out of them",
        );
    }
    if has("Body") {
        return Some(
            "these are messages of SQS; `jq -c '.Body | fromjson'` takes the events out of them",
        );
    }
    has("message").then_some(
        "these are lines of a log; `jq -c '.message | fromjson'` takes the events out of them",
    )
}

/// Malformed lines, as they are found.
struct Malformed<'a> {
    file: &'a str,
    strict: bool,
    lines: u64,
    /// What the lines should be, or what to do about what they are.
    shape: &'static str,
}

impl Malformed<'_> {
    fn found(&mut self, number: u64, why: &str) -> Result<(), Error> {
        let file = self.file;
        if self.strict {
            return Err(Error::in_line(file, usize::try_from(number).unwrap_or(usize::MAX), why)
                .hint("without `--strict` such a line is skipped and counted"));
        }
        self.lines += 1;
        if self.lines <= SHOWN {
            say(&format!("warning: {file}:{number}: skipped: {why}"));
        }
        Ok(())
    }

    /// Lines that are found only when all have been read.
    fn found_far_away(&mut self, rollout: &RecordedRollout) -> Result<(), Error> {
        let before = self.lines;
        for (number, at) in &rollout.far_away.first {
            self.found(*number, &Unusable::TooFarAway(at.seconds()).to_string())?;
        }
        // Only the first of them are named.
        self.lines = before + rollout.far_away.events;
        Ok(())
    }
}

/// Why there is nothing to replay, and what to do about it.
fn fault(why: &NoRollout, job: Option<&JobId>, lines: u64, shape: &str) -> Diagnostic {
    match why {
        NoRollout::Empty if lines == 0 => {
            Diagnostic::new("empty (expected job-execution events)").with_hint(shape)
        }
        NoRollout::Empty => {
            Diagnostic::new(format!("no event in it (lines: {})", thousands(lines)))
                .with_hint(shape)
        }
        NoRollout::NothingEnded(job) => Diagnostic::new(format!(
            "no execution of job `{job}` has ended: its events are of others that began or were deleted"
        )),
        NoRollout::SeveralJobs { jobs, more } => {
            let more = if *more > 0 {
                format!("\n  .. and {} events of further jobs", thousands(*more))
            } else {
                String::new()
            };
            let first = jobs.keys().next().map_or("", String::as_str);
            let list = list(jobs);
            let count = count_of(jobs, more.is_empty());
            Diagnostic::new(format!("events of {count} jobs (expected one)\n{list}{more}"))
                .with_hint(format!("choose one, such as `--job-id {first}`"))
        }
        NoRollout::OtherJobs { jobs } => {
            let wanted = job.map_or("", JobId::as_str);
            let known: Vec<&str> = jobs.keys().map(String::as_str).collect();
            let near =
                nearest(wanted, &known).or(known.first().copied().filter(|_| known.len() == 1));
            let fault = Diagnostic::new(format!(
                "no event of job `{wanted}`; there are events of\n{}",
                list(jobs)
            ));
            match near {
                Some(near) => fault.with_hint(format!("did you mean `--job-id {near}`?")),
                None => fault,
            }
        }
    }
}

fn count_of(jobs: &BTreeMap<String, u64>, is_all: bool) -> String {
    format!("{}{}", if is_all { "" } else { "more than " }, thousands(jobs.len() as u64))
}

/// Jobs with the number of their events, one a line.
fn list(jobs: &BTreeMap<String, u64>) -> String {
    let width = jobs.keys().take(LISTED).map(String::len).max().unwrap_or(0);
    let line = |(job, events): (&String, &u64)| {
        let s = if *events == 1 { "" } else { "s" };
        format!("  {job:<width$}  {} event{s}", thousands(*events))
    };
    let mut lines: Vec<String> = jobs.iter().take(LISTED).map(line).collect();
    if jobs.len() > LISTED {
        lines.push(format!("  .. and {} more", thousands((jobs.len() - LISTED) as u64)));
    }
    lines.join("\n")
}

/// A number of lines or events.
#[allow(clippy::cast_precision_loss)]
pub fn thousands(number: u64) -> String {
    count(number as f64)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn events_in_the_messages_of_other_services_are_recognized() {
        let event = r#"{\"eventType\":\"JOB_EXECUTION\"}"#;
        for (line, said) in [
            (format!(r#"{{"Type":"Notification","TopicArn":"a","Message":"{event}"}}"#), "SNS"),
            (format!(r#"{{"Records":[{{"body":"{event}"}}]}}"#), ".Records[]"),
            (format!(r#"{{"MessageId":"1","Body":"{event}"}}"#), "SQS"),
            (format!(r#"{{"timestamp":1,"message":"{event}"}}"#), "log"),
            ("what".to_owned(), "one job-execution event a line"),
        ] {
            let lines = Lines::from_reader(Cursor::new(line.clone().into_bytes())).unwrap();
            let error = rollout("x", lines, Wanted::default()).err().unwrap().to_string();
            assert!(error.contains(said), "{line}: {error}");
        }
    }
}
