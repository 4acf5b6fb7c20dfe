//! Evidence of jobs, minute by minute.

use aws_sdk_cloudwatch::types::StateValue;
use tripline::evidence::{Record, Standing};
use tripline::job::JobId;
use tripline_aws::FailureKind;

use super::world::START;
use super::*;
use crate::settings::tests::FORCE_STOP;

const ALARM: &str = "tripline-fw-default-Evidence";
const MISSING: &str = "tripline-fw-default-EvidenceMissing";

pub(super) fn job() -> JobId {
    JobId::new("fw").unwrap()
}

pub(super) fn record(account: &Account) -> Record {
    let text = account.world().evidence[&job()].text.clone();
    Record::from_text(&text).unwrap_or_else(|| panic!("{text}"))
}

/// What was published of it in the last minute, the highest.
fn published(account: &Account) -> Option<f64> {
    let world = account.world();
    let last = world.published.last().unwrap();
    last.evidence.iter().map(|(_, number)| *number).reduce(f64::max)
}

/// An account with a job whose evidence stops it.
pub(super) fn stopping() -> Account {
    let account = Account::new();
    account.job("fw", 5);
    account.change("fw", |job| {
        job.tags = vec![
            ("tripline:EvidenceAction".to_owned(), "stop".to_owned()),
            ("tripline:EvidenceUnfinishedLimits".to_owned(), "10:30/20:3".to_owned()),
        ];
    });
    account
}

/// In each minute some devices begin and none ends.
pub(super) async fn hang(
    account: &Account,
    keeper: &Keeper<Account, Account>,
    minutes: u32,
    begin: usize,
) {
    for _ in 0..minutes {
        let now = i64::try_from(account.world().now.as_secs()).unwrap();
        account.change("fw", |job| job.at_work.extend(std::iter::repeat_n(now - 5, begin)));
        warm(keeper, account, 1).await;
    }
}

#[tokio::test]
async fn devices_that_hang_are_evidence_and_an_idle_job_has_none() {
    let account = stopping();
    account.job("idle", 5);
    let keeper = account.keeper();
    hang(&account, &keeper, 10, 5).await;
    assert!(published(&account).unwrap() < 2.0);
    hang(&account, &keeper, 10, 5).await;
    let record = record(&account);
    assert_eq!((record.standing, record.stops), (Standing::Breach, true));
    assert!(published(&account).unwrap() > 2.0 && record.reaches(2.0));
    assert!(record.reason.unwrap().contains(" devices "));
    let idle = JobId::new("idle").unwrap();
    let world = account.world();
    let last = world.published.last().unwrap();
    assert!(last.evidence.contains(&(idle, 0.0)), "{:?}", last.evidence);
}

#[tokio::test]
async fn a_fleet_within_its_limits_is_never_outside_of_them() {
    let account = stopping();
    let keeper = account.keeper();
    for minute in 0..40_i64 {
        let now = i64::try_from(account.world().now.as_secs()).unwrap();
        account.change("fw", |job| {
            // Four minutes at work each.
            job.at_work.retain(|began| now - began < 240);
            job.at_work.extend([now - 5; 10]);
            let ended = u32::try_from((minute - 3).max(0) * 10).unwrap();
            (job.endings.succeeded, job.counted) = (ended, ended);
        });
        warm(&keeper, &account, 1).await;
    }
    let record = record(&account);
    assert_eq!((record.standing, record.evidence, record.breached), (Standing::Healthy, 0.0, None));
    assert_eq!(account.world().emails, []);
}

/// CloudWatch would have it go off at once where there never was any evidence, and for ever after.
#[tokio::test]
async fn the_alarm_on_absence_stands_from_the_first_evidence_until_the_job_ends() {
    let account = Account::new();
    account.job("fw", 5);
    let keeper = account.keeper();
    let is_there = |name: &str| account.all_alarms().contains(&name.to_owned());
    warm(&keeper, &account, 1).await;
    assert_eq!((is_there(ALARM), is_there(MISSING)), (true, false));
    warm(&keeper, &account, 1).await;
    assert!(is_there(MISSING));
    let actions = account.world().cloudwatch.alarms[MISSING].alarm_actions().to_vec();
    assert_eq!((actions.len(), actions.contains(&FORCE_STOP.to_owned())), (1, false));
    // Without the table nobody knows, and nothing is removed.
    account.world().fails.insert("Scan".to_owned(), tripline_aws::FailureKind::Denied);
    let _ = keeper.tick().await;
    assert!(is_there(MISSING));
    account.world().fails.clear();
    let now = i64::try_from(account.world().now.as_secs()).unwrap();
    account.change("fw", |job| job.ended = Some(now));
    warm(&keeper, &account, 2).await;
    assert_eq!((is_there(ALARM), is_there(MISSING)), (true, false), "before the others");
}

/// A message can be lost: an alarm acts only when its state changes.
#[tokio::test]
async fn a_stop_that_does_not_come_makes_the_alarm_fire_again() {
    let account = stopping();
    let keeper = account.keeper();
    hang(&account, &keeper, 22, 5).await;
    let fire = |state: StateValue| {
        let mut world = account.world();
        world.cloudwatch.alarms.get_mut(ALARM).unwrap().state_value = Some(state);
    };
    let fired_again = || {
        let changes = std::mem::take(&mut account.world().changes);
        changes.iter().filter(|change| **change == format!("fire again {ALARM}")).count()
    };
    // It runs for more than three minutes; an alarm that has not fired has nothing to be set to.
    assert!(record(&account).is_overdue(180));
    assert_eq!(fired_again(), 0);
    fire(StateValue::Alarm);
    hang(&account, &keeper, 1, 0).await;
    assert_eq!(fired_again(), 1);
    fire(StateValue::Alarm);
    hang(&account, &keeper, 2, 0).await;
    assert_eq!(fired_again(), 0, "three minutes for the next try");
    hang(&account, &keeper, 1, 0).await;
    assert_eq!(fired_again(), 1);
    // A try that fails is no try.
    fire(StateValue::Alarm);
    hang(&account, &keeper, 2, 0).await;
    account.world().fails.insert("SetAlarmState".to_owned(), FailureKind::Throttled);
    let start = account.world().now;
    keeper.tick().await.unwrap_err();
    next_minute(&account, start);
    assert_eq!(fired_again(), 0);
    account.world().fails.clear();
    hang(&account, &keeper, 1, 0).await;
    assert_eq!(fired_again(), 1);
    let emails = account.world().emails.clone();
    let about = emails.iter().filter(|(_, body)| body.contains("still runs")).count();
    assert_eq!(about, 1, "{emails:?}");
}

/// The alarm has fired into an e-mail; then evidence is to stop.
#[tokio::test]
async fn an_alarm_that_has_fired_fires_again_once_it_is_to_stop() {
    let account = stopping();
    account.change("fw", |job| job.tags[0].1 = "alert".to_owned());
    let keeper = account.keeper();
    hang(&account, &keeper, 20, 5).await;
    let emails = account.world().emails.clone();
    assert!(
        emails.iter().any(|(_, body)| body.contains("Evidence only alerts here")),
        "{emails:?}"
    );
    account.world().cloudwatch.alarms.get_mut(ALARM).unwrap().state_value = Some(StateValue::Alarm);
    account.change("fw", |job| job.tags[0].1 = "stop".to_owned());
    hang(&account, &account.keeper(), 12, 0).await;
    let world = account.world();
    assert!(world.changes.contains(&format!("fire again {ALARM}")), "{:?}", world.changes);
    assert!(world.cloudwatch.alarms[ALARM].alarm_actions().iter().any(|arn| arn == FORCE_STOP));
}

/// In `observe` it is meant to run on.
#[tokio::test]
async fn nothing_fires_again_where_stops_are_only_observed() {
    let account = Account::with(crate::settings::Settings {
        mode: tripline::stop::StopMode::Observe,
        ..Account::new().settings()
    });
    account.job("fw", 5);
    account.change("fw", |job| {
        job.tags = vec![
            ("tripline:EvidenceAction".to_owned(), "stop".to_owned()),
            ("tripline:EvidenceUnfinishedLimits".to_owned(), "5:3".to_owned()),
        ];
    });
    let keeper = account.keeper();
    hang(&account, &keeper, 10, 20).await;
    account.world().cloudwatch.alarms.get_mut(ALARM).unwrap().state_value = Some(StateValue::Alarm);
    hang(&account, &keeper, 8, 0).await;
    assert!(!account.world().changes.iter().any(|change| change.starts_with("fire again")));
}

/// Two keepers at once, one that is killed, and one that starts again: no device is counted twice.
#[tokio::test]
async fn a_minute_counts_once_however_many_keepers_there_are() {
    let account = stopping();
    let keepers = [account.keeper(), account.keeper()];
    for _ in 0..9 {
        let now = i64::try_from(account.world().now.as_secs()).unwrap();
        account.change("fw", |job| job.at_work.extend([now - 5; 5]));
        let start = account.world().now;
        for keeper in &keepers {
            keeper.tick().await.unwrap();
        }
        next_minute(&account, start);
    }
    let twice = account.world().evidence[&job()].clone();
    let once = stopping();
    hang(&once, &once.keeper(), 9, 5).await;
    let once = once.world().evidence[&job()].clone();
    assert_eq!((twice.state, twice.tick), (once.state, once.tick));
}

/// Without a list the ages wait: the devices are read later, and evidence is never more.
#[tokio::test]
async fn a_list_that_cannot_be_read_makes_evidence_wait() {
    let account = stopping();
    let keeper = account.keeper();
    hang(&account, &keeper, 9, 1).await;
    let denied = ("ListJobExecutionsForJob".to_owned(), tripline_aws::FailureKind::Denied);
    account.world().fails.insert(denied.0, denied.1);
    for _ in 0..8 {
        let now = i64::try_from(account.world().now.as_secs()).unwrap();
        let start = account.world().now;
        account.change("fw", |job| job.at_work.extend([now - 5]));
        let _ = keeper.tick().await;
        next_minute(&account, start);
    }
    let waiting = record(&account);
    assert!(waiting.listed.unwrap() < START as i64 + 10 * 60);
    account.world().fails.clear();
    hang(&account, &keeper, 4, 1).await;
    assert!(record(&account).evidence > waiting.evidence);
    assert!(record(&account).listed.unwrap() > START as i64 + 16 * 60);
}

#[tokio::test]
async fn attempts_are_no_failures_and_that_is_said() {
    let account = stopping();
    account.change("fw", |job| job.setup.retries.failed = 3);
    let keeper = account.keeper();
    for minute in 1..15_u32 {
        account.change("fw", |job| (job.endings.failed, job.counted) = (minute * 20, minute * 20));
        warm(&keeper, &account, 1).await;
    }
    let is = record(&account);
    assert_eq!(is.breached, None);
    assert!(is.unseen[0].starts_with("failures and timeouts: AWS IoT counts attempts"), "{is:?}");
    assert_eq!((is.standing, is.clearance), (Standing::Undecided, None), "nothing is cleared");
    assert_eq!(is.clears_at, None, "{is:?}");
}

#[tokio::test]
async fn how_many_devices_clearance_takes_is_kept() {
    let account = stopping();
    hang(&account, &account.keeper(), 2, 5).await;
    let is = record(&account);
    assert!(is.clearance.is_some() && is.clears_at.is_some_and(|at| at > 20), "{is:?}");
}

#[tokio::test]
async fn another_job_of_the_name_begins_again() {
    let account = stopping();
    let keeper = account.keeper();
    hang(&account, &keeper, 20, 5).await;
    assert!(record(&account).breached.is_some());
    let now = i64::try_from(account.world().now.as_secs()).unwrap();
    account.change("fw", |job| (job.created, job.at_work) = (now, Vec::new()));
    warm(&account.keeper(), &account, 2).await;
    let is = record(&account);
    assert_eq!((is.created, is.evidence, is.breached), (now, 0.0, None));
}

/// Looser limits while it runs: the permitted false stops are spent once more, by half.
#[tokio::test]
async fn other_limits_begin_again_with_half_the_weight() {
    let account = stopping();
    let keep = |first: u32| {
        let text = format!(
            "[ALARM_CONFIG]\nalarmList =\n[EVIDENCE_CONFIG]\nuseEvidence = True\nunfinishedLimits = {first}:30, 20:3\nsnsTopics = @force-stop\n"
        );
        account.world().configs.insert("fw".to_owned(), (text, START as i64));
    };
    keep(10);
    let keeper = account.keeper();
    hang(&account, &keeper, 6, 5).await;
    keep(9);
    hang(&account, &account.keeper(), 14, 5).await;
    let is = record(&account);
    assert_eq!((is.restarts, is.standing), (1, Standing::Breach));
    assert!(account.all_alarms().contains(&"tripline-fw-Evidence".to_owned()));
}

/// Whoever may tag a job cannot have its evidence begin again, whichever environment sees it.
#[tokio::test]
async fn later_tags_change_no_limits() {
    let account = stopping();
    for minute in 0..18_i64 {
        let now = i64::try_from(account.world().now.as_secs()).unwrap();
        account.change("fw", |job| {
            job.at_work.extend([now - 5; 5]);
            job.tags[1].1 = if minute % 2 == 0 { "10:30/20:3" } else { "9:20/20:2" }.to_owned();
        });
        warm(&account.keeper(), &account, 1).await;
    }
    let is = record(&account);
    assert_eq!((is.restarts, is.standing), (0, Standing::Breach));
}

/// Limits that are not its own would be looked at in vain, and cost half the weight.
#[tokio::test]
async fn a_job_whose_tags_are_not_known_waits_and_that_is_said() {
    let account = stopping();
    account.world().fails.insert("JobTags".to_owned(), tripline_aws::FailureKind::Denied);
    let arn = account.world().jobs.keys().next().unwrap().clone();
    account.world().fails.insert(arn, tripline_aws::FailureKind::Denied);
    let keeper = account.keeper();
    for _ in 0..12 {
        let start = account.world().now;
        let _ = keeper.tick().await;
        next_minute(&account, start);
    }
    if account.world().evidence.is_empty() {
        let emails = account.world().emails.clone();
        assert!(emails.iter().any(|(_, body)| body.contains("Its evidence is")), "{emails:?}");
    } else {
        panic!("{:?}", account.world().evidence);
    }
}

/// A rollback, or a hand edit: it begins again, and is not blocked by what cannot be read.
#[tokio::test]
async fn a_record_that_cannot_be_read_is_replaced() {
    let account = stopping();
    let keeper = account.keeper();
    hang(&account, &keeper, 3, 5).await;
    for text in ["{\"standing\":\"unheard\"}", "", "{\"evidence\":null}"] {
        account.world().evidence.get_mut(&job()).unwrap().text = text.to_owned();
        hang(&account, &keeper, 2, 5).await;
        assert!(record(&account).at > START as i64, "{text}");
    }
    // So is one of a clock that was ahead.
    account.world().evidence.get_mut(&job()).unwrap().tick += 60;
    hang(&account, &keeper, 16, 5).await;
    assert_eq!(record(&account).standing, Standing::Breach);
}

#[tokio::test]
async fn a_list_that_is_too_long_costs_nobody_else_theirs_and_is_said() {
    let account = stopping();
    account.job("large", 5);
    let now = i64::try_from(account.world().now.as_secs()).unwrap();
    account.change("large", |job| job.at_work = vec![now - 5; 9_000]);
    let keeper = account.keeper();
    hang(&account, &keeper, 2, 1).await;
    account.change("large", |job| job.at_work = vec![now - 5; 15_000]);
    hang(&account, &keeper, 14, 1).await;
    let listed = record(&account).listed.unwrap();
    assert!(account.world().seconds() - listed <= 60, "{listed}");
    let large = JobId::new("large").unwrap();
    let text = account.world().evidence[&large].text.clone();
    let large = Record::from_text(&text).unwrap();
    assert!(large.unseen.iter().any(|it| it.contains("list is too long")), "{large:?}");
}

#[tokio::test]
async fn where_nothing_can_be_written_people_hear_of_it() {
    let account = stopping();
    let keeper = account.keeper();
    hang(&account, &keeper, 2, 1).await;
    account.world().fails.insert("PutItem".to_owned(), tripline_aws::FailureKind::Denied);
    for _ in 0..12 {
        let start = account.world().now;
        assert!(keeper.tick().await.is_err());
        next_minute(&account, start);
    }
    let emails = account.world().emails.clone();
    assert!(emails.iter().any(|(_, body)| body.contains("Its evidence is")), "{emails:?}");
}

#[tokio::test]
async fn what_is_kept_goes_a_day_after_its_job() {
    let account = stopping();
    let keeper = account.keeper();
    hang(&account, &keeper, 2, 5).await;
    let now = i64::try_from(account.world().now.as_secs()).unwrap();
    account.change("fw", |job| job.ended = Some(now));
    warm(&keeper, &account, 2).await;
    assert!(account.world().evidence.contains_key(&job()));
    account.world().now += Duration::from_secs(86_400);
    warm(&keeper, &account, 2).await;
    assert!(account.world().evidence.is_empty());
}
