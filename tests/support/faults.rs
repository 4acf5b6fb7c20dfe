//! What can go wrong with a call to AWS, and which call it goes wrong with.
//!
//! A plan decides by the operation and by how many calls of that operation came through the same
//! door before, never by time or by a shared source of chance: a run repeats.

use std::sync::Arc;
use std::time::Duration;

/// What becomes of a call instead of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Not carried out; answered with this status and AWS's code, as the service writes it.
    Refused(u16, &'static str),
    /// Not carried out; answered with this status and a page for people, as proxies do.
    Html(u16),
    /// Not carried out; answered with status 200 and this body, which is in no protocol of AWS.
    Junk(&'static str),
    /// Not carried out; answered after this time with status 503.
    Late(Duration),
    /// Carried out, and answered after this time.
    Slow(Duration),
    /// Not carried out and never answered.
    Hang,
    /// Carried out; the answer stops in the middle, and the connection stays open.
    HangWithin,
    /// Carried out; the answer stops in the middle, and the connection is closed.
    Cut,
    /// Not carried out; the connection is reset.
    Reset,
    /// Carried out; the connection is closed without an answer.
    Lost,
    /// Carried out and never answered.
    TakenAndHang,
}

impl Fault {
    /// Whether AWS does what it was asked for all the same.
    pub fn is_carried_out(self) -> bool {
        use Fault::{Cut, HangWithin, Lost, Slow, TakenAndHang};
        matches!(self, Slow(_) | HangWithin | Cut | Lost | TakenAndHang)
    }

    /// The fault of this name in [`FAULTS`].
    pub fn named(name: &str) -> Option<Self> {
        FAULTS.iter().find(|(known, _)| *known == name).map(|(_, fault)| *fault)
    }
}

/// Every fault that is tried on every operation, by its name.
pub const FAULTS: [(&str, Fault); 31] = [
    ("unavailable", Fault::Refused(503, "ServiceUnavailableException")),
    ("internal-html", Fault::Html(500)),
    ("throttled-400", Fault::Refused(400, "ThrottlingException")),
    ("throttled-429", Fault::Refused(429, "TooManyRequestsException")),
    ("limit-exceeded", Fault::Refused(410, "LimitExceededException")),
    ("denied", Fault::Refused(403, "AccessDeniedException")),
    ("expired-token", Fault::Refused(403, "ExpiredTokenException")),
    ("bad-signature", Fault::Refused(403, "InvalidSignatureException")),
    ("clock-skewed", Fault::Refused(403, "RequestTimeTooSkewed")),
    ("request-expired", Fault::Refused(400, "RequestExpired")),
    ("incomplete-signature", Fault::Refused(400, "IncompleteSignature")),
    ("not-authorized", Fault::Refused(400, "NotAuthorized")),
    ("validation", Fault::Refused(400, "ValidationError")),
    ("html-400", Fault::Html(400)),
    ("html-403", Fault::Html(403)),
    ("html-404", Fault::Html(404)),
    ("html-408", Fault::Html(408)),
    ("html-200", Fault::Junk("<html><body>Sign in to the network</body></html>")),
    ("empty-200", Fault::Junk("")),
    ("braces-200", Fault::Junk("{}")),
    ("junk-200", Fault::Junk("\u{1}\u{2}junk\u{7f}")),
    ("hang", Fault::Hang),
    ("hang-within", Fault::HangWithin),
    ("cut", Fault::Cut),
    ("reset", Fault::Reset),
    ("lost", Fault::Lost),
    ("taken-and-hang", Fault::TakenAndHang),
    ("late-unavailable", Fault::Late(Duration::from_secs(4))),
    ("late-too-late", Fault::Late(Duration::from_millis(5_500))),
    ("slow", Fault::Slow(Duration::from_millis(1_500))),
    ("slow-too-slow", Fault::Slow(Duration::from_millis(5_500))),
];

/// A call whose fate is to be decided.
#[derive(Debug, Clone, Copy)]
pub struct Draw<'a> {
    /// Whom it is signed for: `iot`.
    pub service: &'a str,
    /// The API's name of it: `CancelJob`.
    pub operation: &'a str,
    /// Which call of this operation it is at its door, from 1.
    pub n: u32,
    /// Which delivery of the event it belongs to, from 1.
    pub attempt: u32,
}

/// Decides of every call whether it fails.
#[derive(Clone)]
pub struct Plan(Arc<dyn Fn(Draw<'_>) -> Option<Fault> + Send + Sync>);

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Plan")
    }
}

impl Plan {
    /// A plan that asks this.
    pub fn new(decide: impl Fn(Draw<'_>) -> Option<Fault> + Send + Sync + 'static) -> Self {
        Self(Arc::new(decide))
    }

    /// Nothing fails.
    pub fn none() -> Self {
        Self::new(|_| None)
    }

    /// Of 1,000 calls, about this many fail, each in a way that `seed`, the door's number, the
    /// operation and the number of the call decide.
    pub fn random(seed: u64, door: u64, per_mille: u64) -> Self {
        Self::new(move |draw| {
            let drawn = hash(&[seed, door, hash_of(draw.operation), u64::from(draw.n)]);
            let index = usize::try_from((drawn >> 32) % FAULTS.len() as u64).ok()?;
            let (_, fault) = FAULTS.get(index)?;
            (drawn % 1_000 < per_mille).then_some(*fault)
        })
    }

    /// What becomes of this call.
    pub fn of(&self, draw: Draw<'_>) -> Option<Fault> {
        self.0(draw)
    }
}

/// A number that looks random and is the same every time (SplitMix64's mixer over each part).
pub fn hash(parts: &[u64]) -> u64 {
    parts.iter().fold(0, |state, part| {
        let mut z = (state ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

fn hash_of(text: &str) -> u64 {
    text.bytes().fold(0, |state, byte| hash(&[state, u64::from(byte)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_repeats_and_differs_by_door_and_operation() {
        let fates = |seed, door, operation| -> Vec<_> {
            let plan = Plan::random(seed, door, 500);
            (1..100).map(|n| plan.of(Draw { service: "iot", operation, n, attempt: 1 })).collect()
        };
        assert_eq!(fates(1, 2, "DescribeJob"), fates(1, 2, "DescribeJob"));
        for other in
            [fates(2, 2, "DescribeJob"), fates(1, 3, "DescribeJob"), fates(1, 2, "Publish")]
        {
            assert_ne!(fates(1, 2, "DescribeJob"), other);
        }
    }

    #[test]
    fn as_many_calls_fail_as_are_to() {
        let plan = Plan::random(7, 1, 110);
        let draw = |n| plan.of(Draw { service: "iot", operation: "CancelJob", n, attempt: 1 });
        let failed = (1..=10_000).filter(|n| draw(*n).is_some()).count();
        assert!((900..1_300).contains(&failed), "{failed}");
    }

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<_> = FAULTS.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), FAULTS.len());
        assert_eq!(Fault::named("hang"), Some(Fault::Hang));
    }
}
