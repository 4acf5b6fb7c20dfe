//! `tripline release status`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use tripline::release::hold::{Hold, Proof};
use tripline::release::{Approval, Ended, Phase, State, WaveState};
use tripline::time::Timestamp;

use super::Common;
use crate::exit::{End, Error};
use crate::terminal::document::print_document;
use crate::terminal::output::Output;
use crate::terminal::print::{print, say};

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

/// How a release stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// Every wave was let through.
    Out,
    /// It was stopped.
    Stopped,
    /// It ended for another reason.
    Ended,
    /// Nobody takes it out.
    DoesNotRun,
    /// Its rollout is held.
    Held,
    /// A person has to decide.
    WaitsForPerson,
    GoesOn,
}

impl Standing {
    /// For people.
    fn text(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::Stopped => "stopped",
            Self::Ended => "ended",
            Self::DoesNotRun => "does not run",
            Self::Held => "held",
            Self::WaitsForPerson => "waits for a person",
            Self::GoesOn => "goes on",
        }
    }
}

/// How far a release is. Times are seconds since 1970.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusData {
    release: String,
    /// Which attempt it is, from 1.
    attempt: u32,
    state: Standing,
    started: i64,
    /// Who has started it.
    by: String,
    /// Whether its execution runs; `null` if it was never started.
    runs: Option<bool>,
    /// How many devices hold the firmware at most.
    exposed: u32,
    /// The hold, if it is held.
    held: Option<HeldData>,
    ended: Option<EndedData>,
    waves: Vec<WaveData>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct HeldData {
    at: i64,
    /// An alarm's name, or a person.
    by: String,
    /// Whether it was an alarm.
    is_alarm: bool,
    /// Whether the rollout is held indeed; `null`: not proved yet.
    proved: Option<bool>,
    /// How often it went on.
    times: u8,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct EndedData {
    /// Every wave was let through.
    well: bool,
    at: i64,
    /// Why, unless it went well.
    why: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct WaveData {
    name: String,
    job_id: String,
    devices: u32,
    state: PhaseData,
    since: i64,
    /// What it waits for, or why it ended, for people.
    reasons: Vec<String>,
    /// When its job was created.
    created: Option<i64>,
    bake_began: Option<i64>,
    /// A person's word that it may go on.
    approved: Option<ApprovalData>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ApprovalData {
    by: String,
    at: i64,
    note: Option<String>,
}

/// Where a wave is.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PhaseData {
    /// Those before it have not been let through.
    Waiting,
    /// A person has to let it begin.
    Approval,
    /// Its job is being made.
    Beginning,
    /// It is rolled out, and watched.
    Running,
    /// Its gate cannot decide: a person has to.
    Undecided,
    /// It was let through.
    Passed,
    Stopped,
}

impl From<Phase> for PhaseData {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Waiting => Self::Waiting,
            Phase::Approval => Self::Approval,
            Phase::Beginning => Self::Beginning,
            Phase::Running => Self::Running,
            Phase::Undecided => Self::Undecided,
            Phase::Passed => Self::Passed,
            Phase::Stopped => Self::Stopped,
        }
    }
}

impl From<&Hold> for HeldData {
    fn from(hold: &Hold) -> Self {
        Self {
            at: hold.at,
            by: hold.by.clone(),
            is_alarm: hold.is_alarm,
            proved: hold.proof.map(|proof| proof == Proof::Held),
            times: hold.times,
        }
    }
}

impl From<&WaveState> for WaveData {
    fn from(wave: &WaveState) -> Self {
        let approval = |approval: &Approval| ApprovalData {
            by: approval.by.clone(),
            at: approval.at,
            note: approval.note.clone(),
        };
        Self {
            name: wave.name.to_string(),
            job_id: wave.job.to_string(),
            devices: wave.devices,
            state: wave.phase.into(),
            since: wave.since,
            reasons: wave.reasons.clone(),
            created: wave.created,
            bake_began: wave.bake_began,
            approved: wave.approved.as_ref().map(approval),
        }
    }
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
                    Output::Json => print_document(&shown.data()),
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

    fn standing(&self) -> Standing {
        let is_stopped = self.state.waves.iter().any(|wave| wave.phase == Phase::Stopped);
        match &self.state.ended {
            Some(ended) if ended.well => Standing::Out,
            Some(_) if is_stopped => Standing::Stopped,
            Some(_) => Standing::Ended,
            None if self.is_lost() => Standing::DoesNotRun,
            None if self.hold.is_some_and(Hold::is_on) => Standing::Held,
            None if self.asks().is_some() => Standing::WaitsForPerson,
            None => Standing::GoesOn,
        }
    }

    pub fn end(&self) -> End {
        match self.standing() {
            Standing::Stopped => End::Stopped,
            Standing::Ended | Standing::DoesNotRun => End::Finding,
            Standing::WaitsForPerson => End::Undecided,
            Standing::Out | Standing::Held | Standing::GoesOn => End::Done,
        }
    }

    pub fn text(&self) -> String {
        let state = self.state;
        let again =
            if state.attempt > 1 { format!(", attempt {}", state.attempt) } else { String::new() };
        let mut text = format!("release {}{again}: {}\n", state.release, self.standing().text());
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

    pub fn data(&self) -> StatusData {
        let State { release, attempt, started, by, waves, ended } = self.state;
        StatusData {
            release: release.to_string(),
            attempt: *attempt,
            state: self.standing(),
            started: *started,
            by: by.clone(),
            runs: self.runs,
            exposed: self.state.exposed(),
            held: self.hold.filter(|hold| hold.is_on()).map(HeldData::from),
            ended: ended.as_ref().map(|Ended { well, at, why }| EndedData {
                well: *well,
                at: *at,
                why: why.clone(),
            }),
            waves: waves.iter().map(WaveData::from).collect(),
        }
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
    use serde_json::json;
    use tripline::job::JobId;
    use tripline::release::{ReleaseId, WaveName};

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
            assert_eq!((shown.standing().text(), shown.end()), (word, code), "{phases:?}");
            assert!(shown.text().starts_with(&format!("release pump-9: {word}\n")));
            assert_eq!(shown.standing().text(), word);
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
