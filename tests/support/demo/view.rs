//! The live picture: redrawn on a terminal, elsewhere a line for every change that matters.

use std::io::{IsTerminal, Write, stdout};
use std::time::{Duration, Instant};

use super::rollout::{Guard, Moment};

const BAR: usize = 60;
/// Between two lines of a log about the same state.
const LOG_EVERY: Duration = Duration::from_secs(5);

pub struct View {
    terminal: bool,
    /// Lines of the picture that the next one is drawn over.
    drawn: usize,
    /// What the last line of a log said, without its numbers, and when.
    logged: Option<(String, Instant)>,
}

impl View {
    pub fn new() -> Self {
        Self { terminal: stdout().is_terminal(), drawn: 0, logged: None }
    }

    pub fn chapter(&mut self, title: &str) {
        self.keep();
        println!(
            "\n{}",
            if self.terminal { format!("\x1b[1m{title}\x1b[0m") } else { title.to_owned() }
        );
    }

    pub fn say(&self, text: &str) {
        println!("  {text}");
    }

    pub fn show(&mut self, moment: &Moment, since: Duration) {
        if self.terminal {
            let picture = picture(moment, super::DEVICES, since);
            if self.drawn > 0 {
                print!("\x1b[{}A", self.drawn);
            }
            for line in &picture {
                // Cut off at the edge, not wrapped: the count of lines must hold.
                println!("\r\x1b[?7l\x1b[K{}\x1b[?7h", colored(line));
            }
            stdout().flush().ok(); // a picture that cannot be drawn is no reason to fail
            self.drawn = picture.len();
            return;
        }
        let states: Vec<&str> = moment.guards.iter().map(|guard| guard.state.as_str()).collect();
        let state = format!("{} {states:?}", moment.job.status);
        let news = self
            .logged
            .as_ref()
            .is_none_or(|(last, at)| *last != state || at.elapsed() > LOG_EVERY);
        if news {
            println!("  {:>3} s  {}", since.as_secs(), line(moment, super::DEVICES));
            self.logged = Some((state, Instant::now()));
        }
    }

    /// Leaves the picture as it is; the next one is drawn below.
    pub fn keep(&mut self) {
        self.drawn = 0;
        self.logged = None;
    }
}

fn picture(moment: &Moment, devices: u32, since: Duration) -> Vec<String> {
    let job = &moment.job;
    let mut lines = vec![
        format!("  {:<14} {:<12} {:>4} s", job.id, job.status, since.as_secs()),
        format!("  [{}]", bar(moment, devices)),
        format!("  {}", counts(moment, devices)),
    ];
    lines.extend(moment.guards.iter().map(|guard| {
        format!(
            "  guard {:<38} {:<18} notifies {}",
            against(guard),
            guard.state,
            guard.notifies.join(", ")
        )
    }));
    lines
}

fn line(moment: &Moment, devices: u32) -> String {
    let guards = moment.guards.iter().map(|guard| {
        let notifies = match guard.is_alarming() {
            true => format!(", notifies {}", guard.notifies.join(" and ")),
            false => String::new(),
        };
        format!("; {}: {}{notifies}", against(guard), guard.state)
    });
    format!("{}: {}{}", moment.job.status, counts(moment, devices), guards.collect::<String>())
}

fn counts(moment: &Moment, devices: u32) -> String {
    let job = &moment.job;
    let rest = i64::from(devices) - i64::from(job.reached());
    let mut text = format!("{} succeeded, {} failed", job.succeeded, job.failed);
    if job.rejected > 0 {
        text += &format!(", {} rejected", job.rejected);
    }
    text + &format!(", {} downloading, {rest} not reached", job.in_progress)
}

fn against(guard: &Guard) -> String {
    let value = guard.value.map_or_else(|| "-".to_owned(), |value| format!("{value:.0}"));
    format!("{} {} {value} against {:.0}", guard.metric, guard.statistic, guard.threshold)
}

/// `#` succeeded, `x` failed or rejected, `>` downloading, `.` not reached.
fn bar(moment: &Moment, devices: u32) -> String {
    let job = &moment.job;
    let mut bar = String::new();
    let mut until = 0;
    for (count, mark) in
        [(job.succeeded, '#'), (job.failed + job.rejected, 'x'), (job.in_progress, '>')]
    {
        until += usize::try_from(count).unwrap_or(0);
        let cells = (until * BAR).div_ceil(devices.max(1) as usize).min(BAR);
        bar.extend(std::iter::repeat_n(mark, cells.saturating_sub(bar.len())));
    }
    format!("{bar:.<BAR$}")
}

fn colored(line: &str) -> String {
    [(" ALARM ", 31), (" CANCELED ", 31), (" OK ", 32), (" COMPLETED ", 32)]
        .iter()
        .fold(line.to_owned(), |line, (word, color)| {
            line.replace(word, &format!("\x1b[{color}m{word}\x1b[0m"))
        })
}

#[cfg(test)]
mod tests {
    use super::super::rollout::Job;
    use super::*;

    fn moment() -> Moment {
        Moment {
            job: Job {
                id: "firmware-2-1".into(),
                status: "IN_PROGRESS".into(),
                succeeded: 30,
                failed: 1,
                in_progress: 9,
                ..Job::default()
            },
            guards: vec![Guard {
                metric: "downloadTime".into(),
                statistic: "p90".into(),
                threshold: 3600.0,
                state: "OK".into(),
                value: Some(301.4),
                notifies: vec!["EmailTopic".into(), "ForceStopTopic".into()],
            }],
            measured: 28,
        }
    }

    #[test]
    fn the_picture_shows_outcomes_and_the_guard() {
        let picture = picture(&moment(), 200, Duration::from_secs(12));
        assert_eq!(
            picture,
            [
                "  firmware-2-1   IN_PROGRESS    12 s",
                "  [#########x>>................................................]",
                "  30 succeeded, 1 failed, 9 downloading, 160 not reached",
                "  guard downloadTime p90 301 against 3600      OK                 notifies EmailTopic, ForceStopTopic",
            ]
        );
    }

    #[test]
    fn a_log_has_it_in_a_line() {
        assert_eq!(
            line(&moment(), 200),
            "IN_PROGRESS: 30 succeeded, 1 failed, 9 downloading, 160 not reached; \
             downloadTime p90 301 against 3600: OK"
        );
    }

    #[test]
    fn an_alarm_says_whom_it_notifies() {
        let mut moment = moment();
        moment.guards[0].state = "ALARM".into();
        let line = line(&moment, 200);
        assert!(line.ends_with(": ALARM, notifies EmailTopic and ForceStopTopic"), "{line}");
    }

    #[test]
    fn a_full_bar_is_full() {
        let mut moment = moment();
        moment.job.succeeded = 200;
        assert_eq!(bar(&moment, 200), "#".repeat(BAR));
    }
}
