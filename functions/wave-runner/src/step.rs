//! What the state machine and the schedule ask for.

use serde::Deserialize;
use tripline::release::{ReleaseId, WaveState};

use crate::stop::STOPPED;

/// An invocation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Invocation {
    /// The state machine's.
    Step(Step),
    /// The schedule's.
    Minute {
        /// The ARN of the state machine.
        minute: String,
    },
}

/// A step of a release.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", tag = "step")]
pub enum Step {
    /// Has a person let a wave begin: the machine waits with this token.
    Approve {
        /// Which wave.
        #[serde(flatten)]
        wave: OfWave,
        /// With what the machine is answered.
        token: String,
    },
    /// Arms a wave and creates its job.
    Begin {
        /// Which wave.
        #[serde(flatten)]
        wave: OfWave,
    },
    /// Watches a wave until its gate decides: the machine waits with this token.
    Watch {
        /// Which wave.
        #[serde(flatten)]
        wave: OfWave,
        /// With what the machine is answered.
        token: String,
    },
    /// Ends a release.
    End {
        /// Which.
        release: ReleaseId,
        /// Which attempt at it.
        attempt: u32,
        /// Why it failed, if it did.
        failed: Option<Cause>,
    },
}

/// A wave of a release.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OfWave {
    /// The release.
    pub release: ReleaseId,
    /// Which attempt at it.
    pub attempt: u32,
    /// Its place, from 0.
    pub wave: usize,
}

/// Why an execution failed, as Step Functions says it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Cause {
    /// The error's name.
    #[serde(default)]
    pub error: String,
    /// In words, or the function's error as JSON.
    #[serde(default)]
    pub cause: String,
}

/// A function's error, as Step Functions hands it on.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FunctionError {
    error_message: String,
}

impl Cause {
    /// A wave that was stopped.
    pub(crate) fn of_stopped(wave: &WaveState) -> Self {
        let why = wave.reasons.first().map_or("", String::as_str);
        Self { error: STOPPED.to_owned(), cause: why.to_owned() }
    }

    /// A machine that went on past a wave.
    pub(crate) fn not_let_through() -> Self {
        let cause = "the state machine ended before every gate opened".to_owned();
        Self { error: "Tripline.NotLetThrough".to_owned(), cause }
    }

    /// The cause in words.
    pub(crate) fn in_words(&self) -> String {
        match serde_json::from_str::<FunctionError>(&self.cause) {
            Ok(error) => error.error_message,
            Err(_) => self.cause.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_asked_for_is_read() {
        let of = || OfWave { release: ReleaseId::new("fw").unwrap(), attempt: 2, wave: 1 };
        let read = |value| serde_json::from_value::<Invocation>(value).unwrap();
        let step = read(json!({"step": "begin", "release": "fw", "attempt": 2, "wave": 1}));
        assert_eq!(step, Invocation::Step(Step::Begin { wave: of() }));
        let step = json!({"step": "watch", "release": "fw", "attempt": 2, "wave": 1, "token": "t"});
        let watch = Step::Watch { wave: of(), token: "t".to_owned() };
        assert_eq!(read(step), Invocation::Step(watch));
        let ended = read(json!({"step": "end", "release": "fw", "attempt": 2}));
        let end =
            |failed| Invocation::Step(Step::End { release: of().release, attempt: 2, failed });
        assert_eq!(ended, end(None));
        let failed = json!({"step": "end", "release": "fw", "attempt": 2,
            "failed": {"Error": "Tripline.Stopped", "Cause": "why"}});
        let cause = Cause { error: "Tripline.Stopped".to_owned(), cause: "why".to_owned() };
        assert_eq!(read(failed), end(Some(cause)));
        assert_eq!(read(json!({"minute": "arn"})), Invocation::Minute { minute: "arn".to_owned() });
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for value in [
            json!({}),
            json!({"step": "begin", "release": "a b", "attempt": 1, "wave": 0}),
            json!({"step": "begin", "release": "fw", "attempt": 1, "wave": -1}),
            json!({"step": "away", "release": "fw", "attempt": 1, "wave": 0}),
        ] {
            assert!(serde_json::from_value::<Invocation>(value.clone()).is_err(), "{value}");
        }
    }
}
