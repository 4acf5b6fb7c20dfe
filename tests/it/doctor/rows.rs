//! The table's rows, and the tests that go through them.

use std::collections::BTreeSet;
use std::pin::Pin;

use tripline_tests::runner::run;
use tripline_tests::workspace;

use super::stage::{JOB, Stage};
use super::{commands, elsewhere, job_rows, stack_rows};

/// Something that is done to a stage.
pub type Doing<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// A fault, and the check that has to find it.
pub struct Row {
    /// The check.
    pub check: &'static str,
    /// What is wrong.
    pub fault: &'static str,
    /// Checks that cannot but find the same fault.
    pub companions: &'static [&'static str],
    /// What the doctor gets beside the stack.
    pub arguments: &'static [&'static str],
    pub seed: fn(&Stage) -> Doing<'_>,
    /// Brings it back; without it the fault stays.
    pub undo: Option<fn(&Stage) -> Doing<'_>>,
}

impl Row {
    /// Whether the command that the doctor says brings back everything.
    fn is_fixed(&self) -> bool {
        let of_stack = stack_rows::ROWS.iter().any(|row| row.check == self.check);
        let by_hand = BY_HAND.iter().any(|(name, _)| [self.fault, self.check].contains(name));
        of_stack && self.undo.is_some() && !by_hand
    }
}

/// Faults that the local AWS, or the stack of these rows, cannot have. They are seeded into facts, or into answers of a mocked
/// AWS, in `crates/tripline-cli/src/doctor/tests`.
const NOT_HERE: [(&str, &str); 11] = [
    ("clock-synchronized", "its clock is this machine's"),
    ("email-confirmed", "nothing needs confirming"),
    ("sms-out-of-sandbox", "there is no sandbox"),
    ("sms-spend-limit-raised", "there is no limit"),
    ("runner-active", NO_RELEASES),
    ("schedule-can-invoke-runner", NO_RELEASES),
    ("runner-error-free", NO_RELEASES),
    ("runner-running", NO_RELEASES),
    ("runner-configured", NO_RELEASES),
    ("runner-role-sufficient", NO_RELEASES),
    ("runner-creates-only-waves", NO_RELEASES),
];

/// Where a stack takes no releases out, its checks are not even named.
const NO_RELEASES: &str = "the stack has no wave-runner";

/// Every check that there is.
pub fn all_checks() -> BTreeSet<String> {
    let tripline = workspace::tripline(workspace::root());
    let mut tripline = tripline.unwrap_or_else(|error| panic!("{error}"));
    let listed =
        run(tripline.args(["doctor", "--list", "--output", "json"])).json()["checks"].take();
    let names = listed.as_array().unwrap().iter().map(|check| &check["name"]);
    names.map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_check_has_a_row() {
    let rows = stack_rows::ROWS.iter().chain(job_rows::ROWS).map(|row| row.check);
    let proven: BTreeSet<&str> = rows.chain(elsewhere::CHECKS).collect();
    let not_here: BTreeSet<&str> = NOT_HERE.iter().map(|(check, _)| *check).collect();
    assert_eq!(proven.intersection(&not_here).count(), 0);
    let all = all_checks();
    let has: BTreeSet<String> = proven.union(&not_here).map(|check| (*check).to_owned()).collect();
    assert_eq!(has, all);
    assert!(all.len() >= 25, "{}", all.len());
}

/// Each fault is found by its check, and by no other, on one stack: a fault that is not brought back
/// properly shows in the next row.
async fn go_through(stage: &Stage, rows: &[Row]) {
    let mut lasting: BTreeSet<&str> = BTreeSet::new();
    let mut wrong = Vec::new();
    for row in rows {
        (row.seed)(stage).await;
        let file = stage.config_file();
        let arguments: Vec<&str> = row
            .arguments
            .iter()
            .map(|word| if *word == "<config>" { &file } else { *word })
            .collect();
        let examined = stage.doctor(&arguments).await;
        let mut expected = lasting.clone();
        expected.insert(row.check);
        expected.extend(row.companions);
        let what = format!("{}: {}", row.check, row.fault);
        if examined.findings() != expected {
            wrong.push(format!("{what}: expected {expected:?}, {examined:?}"));
        }
        if examined.code != Some(1) {
            wrong.push(format!("{what}: {examined:?}"));
        }
        let check = &examined.checks[row.check];
        let fix = check["fix"].as_str().unwrap_or_default();
        if fix.is_empty() {
            wrong.push(format!("{what}: names no command that fixes it"));
        } else if row.is_fixed() {
            if let Err(error) = commands::carry_out(stage, fix) {
                wrong.push(format!("{what}: {error}"));
            } else if let Err(left) = commands::sound(stage, &lasting).await {
                wrong.push(format!("{what}: `{fix}` does not fix it: {left:?}"));
            }
        }
        match row.undo {
            Some(undo) => undo(stage).await,
            None => lasting = expected,
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Faults, or checks with all of theirs, whose command is for a person; what else can be brought back of a
/// stack is fixed by its command.
const BY_HAND: &[(&str, &str)] = &[
    ("email-has-recipient", "whom to alert, nobody else knows"),
    ("an event is undelivered", "somebody has to see what it was"),
    ("the default guard cannot be", "which one is meant, nobody else knows"),
    ("alarms may not use the key", "the policy of a key is edited"),
    ("a guard of the region denies it", "somebody has put it there"),
];

/// Everything there can be in a stack: a queue for events, a key, people.
pub const WHOLE: [(&str, &str); 4] = [
    ("Ingest", "batched"),
    ("Encryption", "stack-key"),
    ("AlarmEmailEndpoint", "ops@example.com"),
    ("AlarmSMSEndpoint", "+12065550100"),
];

#[tokio::test]
async fn each_fault_of_a_stack_is_found_by_its_check_alone() {
    let stage = Stage::new(&WHOLE).await;
    let sound = stage.doctor(&[]).await;
    assert_eq!((sound.code, sound.findings().len()), (Some(0), 0), "{sound:#?}");
    go_through(&stage, stack_rows::ROWS).await;
}

#[tokio::test]
async fn each_fault_of_a_job_is_found_by_its_check_alone() {
    let stage = Stage::new(&[("AlarmEmailEndpoint", "ops@example.com")]).await;
    stage.job(JOB, true).await;
    stage.arm(JOB).await;
    stage.succeed(JOB).await;
    let file = stage.config_file();
    let arguments = ["--job-id", JOB, "--config", &file, "--devices", "20000"];
    stage
        .until("a sound guard", async || {
            let sound = stage.doctor(&arguments).await;
            let arriving = &sound.checks["metrics-arriving"]["result"];
            let waits = sound.findings().into_iter().all(|check| check == "metrics-arriving");
            assert!(waits, "{sound:#?}");
            // Every check of a job is made.
            let skipped = sound.with("skipped");
            let of_job = ["alarm-fires-in-time", "alarms-match-config", "guarded-by-keeper"];
            assert!(of_job.iter().all(|check| !skipped.contains(check)), "{skipped:?}");
            arriving == "ok" && sound.code == Some(0)
        })
        .await;
    go_through(&stage, job_rows::ROWS).await;
}
