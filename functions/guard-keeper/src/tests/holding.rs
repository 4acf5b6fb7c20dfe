//! Rollouts that are held, and go on.

use tripline::release::hold::HeldBriefly;

use super::evidence::{hang, job, record, stopping};
use super::*;

/// Holds it, or lets it go on so often.
fn hold(account: &Account, times: u8, is_on: bool) {
    let mut world = account.world();
    let created = world.jobs["fw"].created;
    let went_on = (!is_on).then_some(created + 120);
    let hold = HeldBriefly { created, went_on, times };
    world.holds.insert(job(), hold);
}

#[tokio::test]
async fn a_rollout_that_is_held_is_not_said_to_run_on() {
    let account = stopping();
    let keeper = account.keeper();
    hang(&account, &keeper, 18, 5).await;
    assert!(record(&account).breached.is_some());
    hold(&account, 0, true);
    account.world().emails.clear();
    account.world().changes.clear();
    hang(&account, &keeper, 6, 0).await;
    let held = record(&account);
    assert!(held.is_held && held.breached.is_some() && !held.is_overdue(180), "{held:?}");
    let fired_again = |change: &String| change.starts_with("fire again");
    assert!(!account.world().changes.iter().any(fired_again));
    let emails = account.world().emails.clone();
    assert!(!emails.iter().any(|(_, body)| body.contains("still runs")), "{emails:?}");
}

#[tokio::test]
async fn a_rollout_that_goes_on_has_evidence_again_at_half_the_weight_once() {
    let account = stopping();
    let keeper = account.keeper();
    hang(&account, &keeper, 18, 5).await;
    let before = record(&account);
    assert!(before.evidence > 2.0 && before.restarts == 0);
    hold(&account, 1, false);
    hang(&account, &keeper, 1, 0).await;
    let after = record(&account);
    assert_eq!((after.restarts, after.went_on, after.breached), (1, 1, None));
    assert!(after.evidence < before.evidence, "{after:?}");
    hang(&account, &keeper, 3, 0).await;
    assert_eq!(record(&account).restarts, 1, "once for each time that it goes on");
    // Of an earlier job of its name it says nothing.
    account.world().holds.get_mut(&job()).unwrap().created -= 1;
    account.world().holds.get_mut(&job()).unwrap().times = 9;
    hang(&account, &keeper, 1, 0).await;
    assert_eq!(record(&account).restarts, 1);
}
