//! `tripline release status`.

use std::time::Duration;

use serde_json::{Value, json};
use tripline::release::hold::{Hold, Proof};
use tripline::release::{Phase, State, WaveState};
use tripline::time::Timestamp;

use super::Common;
use crate::exit::{End, Error};
use crate::terminal::output::Output;
use crate::terminal::print::{print, print_json, say};

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  tripline release status fw-2-1
  tripline release status fw-2-1 --follow
  tripline release status fw-2-1 --output json

With --follow the command prints the status again after every change until the release ends. Ctrl-C
ends only the command, not the release.

Exit code 0: the release is complete, or goes on; 1: it ended for another reason than its guard; 2:
the release does not exist; 3: AWS refused or could not be reached; 5: it was stopped; 6: a person
has to decide.")]
pub struct Status {
    #[command(flatten)]
    common: Common,
    /// Show the status after every change until the release ends
    #[arg(long)]
    follow: bool,
}

/// How long to wait between two looks: the stack looks once a minute.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// A release as it is shown.
pub struct Shown<'a> {
    pub state: &'a State,
    /// Whether its execution runs; `None` if it was never started.
    pub runs: Option<bool>,
    /// The hold of the latest wave that is held.
    pub hold: Option<&'a Hold>,
}

impl Status {
    pub async fn run(self) -> Result<End, Error> {
        let store = self.common.place.store().await?;
        let mut said = String::new();
        loop {
            let read = store.get(&self.common.release).await?;
            let state = &read.state;
            let runs = store.runs(&state.release, state.attempt).await?;
            let mut hold = None;
            for wave in state.waves.iter().rev().filter(|wave| wave.created.is_some()) {
                let is_its = |hold: &Hold| wave.created == Some(hold.created) && hold.is_on();
                hold = store.hold(&wave.job).await?.filter(is_its);
                if hold.is_some() {
                    break;
                }
            }
            let shown = Shown { state, runs, hold: hold.as_ref() };
            let text = shown.text();
            if text != said {
                match self.common.place.output {
                    Output::Text => print(&text),
                    Output::Json => print_json(&shown.json()),
                }
                for hint in shown.hints() {
                    say(&format!("hint: {hint}"));
                }
                said = text;
            }
            if !self.follow || state.ended.is_some() || shown.is_lost() {
                return Ok(shown.end());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

impl Shown<'_> {
    fn is_lost(&self) -> bool {
        self.state.ended.is_none() && self.runs != Some(true)
    }

    fn asks(&self) -> Option<&WaveState> {
        let asks = |wave: &&WaveState| matches!(wave.phase, Phase::Approval | Phase::Undecided);
        self.state.waves.iter().find(asks).filter(|_| self.state.ended.is_none())
    }

    fn word(&self) -> &'static str {
        let is_stopped = self.state.waves.iter().any(|wave| wave.phase == Phase::Stopped);
        match &self.state.ended {
            Some(ended) if ended.well => "out",
            Some(_) if is_stopped => "stopped",
            Some(_) => "ended",
            None if self.is_lost() => "does not run",
            None if self.hold.is_some_and(Hold::is_on) => "held",
            None if self.asks().is_some() => "waits for a person",
            None => "goes on",
        }
    }

    pub fn end(&self) -> End {
        match self.word() {
            "stopped" => End::Stopped,
            "ended" | "does not run" => End::Finding,
            "waits for a person" => End::Undecided,
            _ => End::Done,
        }
    }

    pub fn text(&self) -> String {
        let state = self.state;
        let again =
            if state.attempt > 1 { format!(", attempt {}", state.attempt) } else { String::new() };
        let mut text = format!("release {}{again}: {}\n", state.release, self.word());
        for wave in &state.waves {
            text += &format!(
                "  {:<16} {:>7} devices  {:<18} since {}\n",
                wave.name.as_str(),
                wave.devices,
                wave.phase.to_string(),
                Timestamp::from_seconds(wave.since).rfc3339()
            );
            for reason in &wave.reasons {
                text += &format!("      {reason}\n");
            }
            if let Some(approval) = &wave.approved {
                let note =
                    approval.note.as_deref().map_or_else(String::new, |it| format!(": {it}"));
                text += &format!("      approved by {}{note}\n", approval.by);
            }
        }
        if let Some(hold) = self.hold.filter(|hold| hold.is_on()) {
            let proof = match hold.proof {
                None => "not proved yet",
                Some(Proof::Held) => "proved",
                Some(Proof::Failed) => "it goes on all the same",
            };
            text += &format!("  held by {}: {proof}\n", hold.by);
        }
        text += &format!("  at most {} devices hold the firmware\n", state.exposed());
        if let Some(ended) = &state.ended
            && !ended.why.is_empty()
        {
            text += &format!("  ended: {}\n", ended.why);
        }
        text
    }

    pub fn json(&self) -> Value {
        let waves: Vec<_> = self
            .state
            .waves
            .iter()
            .map(|wave| {
                json!({
                    "name": wave.name, "jobId": wave.job, "devices": wave.devices,
                    "phase": wave.phase, "since": wave.since, "reasons": wave.reasons,
                    "created": wave.created, "bakeBegan": wave.bake_began,
                    "approved": wave.approved,
                })
            })
            .collect();
        json!({
            "release": self.state.release, "attempt": self.state.attempt, "state": self.word(),
            "started": self.state.started, "by": self.state.by, "runs": self.runs,
            "exposed": self.state.exposed(), "held": self.hold.filter(|hold| hold.is_on()),
            "ended": self.state.ended, "waves": waves,
        })
    }

    fn hints(&self) -> Vec<String> {
        let release = &self.state.release;
        if self.is_lost() {
            return vec![format!(
                "its execution does not run: `tripline release start` with the same files starts it again, `tripline release stop {release}` ends it"
            )];
        }
        match self.asks() {
            Some(wave) => vec![format!(
                "`tripline release approve {release} --wave {}` lets it go on; `tripline release stop {release}` ends it",
                wave.name
            )],
            None => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use tripline::job::JobId;
    use tripline::release::{Ended, ReleaseId, WaveName};

    use super::*;

    fn state(phases: &[Phase]) -> State {
        let wave = |(number, phase): (usize, &Phase)| {
            let name = WaveName::new(&format!("w{number}")).unwrap();
            json!({
                "name": name, "job": JobId::new(&format!("wave-pump-9-w{number}")).unwrap(),
                "devices": 5, "phase": phase, "since": 0, "alarms": {}, "reasons": [],
                "created": (*phase != Phase::Waiting).then_some(1),
            })
        };
        let waves: Vec<_> = phases.iter().enumerate().map(wave).collect();
        let state = json!({
            "release": ReleaseId::new("pump-9").unwrap(), "attempt": 1, "started": 0, "by": "Mara",
            "waves": waves,
        });
        State::from_text(&state.to_string()).unwrap()
    }

    fn ended(well: bool) -> Option<Ended> {
        Some(Ended { well, at: 9, why: "why".to_owned() })
    }

    #[test]
    fn every_state_has_its_word_and_its_exit_code() {
        use Phase::{Approval, Beginning, Passed, Running, Stopped, Undecided, Waiting};
        for (phases, end, runs, word, code) in [
            ([Running, Waiting], None, Some(true), "goes on", End::Done),
            ([Passed, Beginning], None, Some(true), "goes on", End::Done),
            ([Undecided, Waiting], None, Some(true), "waits for a person", End::Undecided),
            ([Approval, Waiting], None, Some(true), "waits for a person", End::Undecided),
            ([Running, Waiting], None, Some(false), "does not run", End::Finding),
            ([Waiting, Waiting], None, None, "does not run", End::Finding),
            ([Passed, Passed], ended(true), Some(false), "out", End::Done),
            ([Stopped, Waiting], ended(false), Some(false), "stopped", End::Stopped),
            ([Beginning, Waiting], ended(false), Some(false), "ended", End::Finding),
        ] {
            let state = State { ended: end, ..state(&phases) };
            let shown = Shown { state: &state, runs, hold: None };
            assert_eq!((shown.word(), shown.end()), (word, code), "{phases:?}");
            assert!(shown.text().starts_with(&format!("release pump-9: {word}\n")));
            assert_eq!(shown.json()["state"], word);
        }
    }

    #[test]
    fn who_is_asked_reads_the_commands() {
        let state = state(&[Phase::Passed, Phase::Undecided]);
        let shown = Shown { state: &state, runs: Some(true), hold: None };
        assert!(shown.hints()[0].contains("release approve pump-9 --wave w1"));
        assert!(shown.text().contains("at most 10 devices hold the firmware"));
        let lost = Shown { state: &state, runs: Some(false), hold: None };
        assert!(lost.hints()[0].contains("`tripline release start` with the same files"));
    }
}
