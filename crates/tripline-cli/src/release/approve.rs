//! `tripline release approve`: a person's word on a wave.

use schemars::JsonSchema;
use serde::Serialize;
use tripline::release::{Approval, Phase, WaveName};
use tripline::text::clean;

use super::Common;
use super::status::PhaseData;
use super::store::{now, person};
use crate::exit::{End, Error};
use crate::terminal::document::print_document;
use crate::terminal::output::Output;
use crate::terminal::print::print;

/// Most characters of a note.
const MAX_NOTE: usize = 300;

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  tripline release approve fw-2-1 --wave canary --note \"looked at 12 devices in the lab\"

A wave with `approval = True` begins only after an approval. After an undecided wave, an approval
lets the next wave begin. An approval never overrides an alarm, a stop or the bake: the gate still
waits until these allow `go`. The stack checks once a minute.

Approvals are items of the stack's queue table under the key `$approvals`. Restrict who may approve
with a policy on this key (dynamodb:LeadingKeys).

Exit code 0: approved, now or before; 1: the wave does not wait for an approval; 2: the release or
the wave does not exist; 3: AWS refused or could not be reached.")]
pub struct Approve {
    #[command(flatten)]
    common: Common,
    /// The wave
    #[arg(long)]
    wave: WaveName,
    /// The reason, shown with the release
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

impl Approve {
    pub async fn run(self) -> Result<End, Error> {
        let store = self.common.place.store_to_change().await?;
        let read = store.get(&self.common.release).await?;
        let (state, release) = (&read.state, &self.common.release);
        let Some(wave) = state.waves.iter().find(|wave| wave.name == self.wave) else {
            let names: Vec<_> = state.waves.iter().map(|wave| wave.name.as_str()).collect();
            return Err(Error::input(format!(
                "release `{release}` has no wave `{}` (it has `{}`)",
                self.wave,
                names.join("`, `")
            )));
        };
        let (key, what) = match wave.phase {
            Phase::Approval => (state.begin_key(&wave.name), "it begins within a minute or two"),
            Phase::Undecided | Phase::Running => (
                state.approval_key(&wave.name),
                "what comes after it begins once its bake is over, unless an alarm fires",
            ),
            other => {
                let why = match &state.ended {
                    Some(_) => "the release has ended".to_owned(),
                    None => format!("it is {other}"),
                };
                self.show(
                    wave.phase,
                    false,
                    &format!("wave `{}` does not wait for an approval: {why}", wave.name),
                );
                return Ok(End::Finding);
            }
        };
        if state.ended.is_some() {
            self.show(wave.phase, false, &format!("release `{release}` has ended"));
            return Ok(End::Finding);
        }
        let note = self.note.as_deref().map(|note| clean(note, MAX_NOTE));
        let approval = Approval { by: person(), at: now(), note };
        let is_first = store.approve(&key, &approval).await?;
        let when = if is_first { "approved" } else { "was approved before" };
        self.show(wave.phase, true, &format!("wave `{}` {when}: {what}", wave.name));
        Ok(End::Done)
    }

    fn show(&self, phase: Phase, approved: bool, text: &str) {
        match self.common.place.output {
            Output::Text => print(&format!("{text}\n")),
            Output::Json => print_document(&ApprovedData {
                release: self.common.release.to_string(),
                wave: self.wave.to_string(),
                state: phase.into(),
                approved,
                text: text.to_owned(),
            }),
        }
    }
}

/// What became of an approval.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovedData {
    release: String,
    wave: String,
    /// Where the wave is.
    state: PhaseData,
    /// Whether the wave is approved.
    approved: bool,
    /// The same for people.
    text: String,
}
