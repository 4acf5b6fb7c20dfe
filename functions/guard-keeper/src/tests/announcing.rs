//! Alerts to people that name rollouts: each once, and one that stands hides no other.

use tripline::job::EndedCounts;
use tripline_aws::FailureKind;

use super::*;

fn emails(account: &Account) -> Vec<(String, String)> {
    std::mem::take(&mut account.world().emails)
}

fn subjects(account: &Account) -> Vec<String> {
    emails(account).into_iter().map(|(subject, _)| subject).collect()
}

fn attention(job: &str) -> String {
    format!("Tripline: rollout {job} needs attention")
}

/// A job with devices that may have died long ago.
fn overdue(account: &Account, job: &str) {
    account.job(job, 0);
    account.change(job, |job| job.at_work = vec![0; 10]);
}

/// CloudWatch refuses the alarms of a job.
fn refuse_alarms(account: &Account, job: &str) {
    for name in default(job) {
        account.world().fails.insert(name, FailureKind::Refused);
    }
}

/// So many minutes, each in a new environment, whatever becomes of them.
async fn minutes(account: &Account, minutes: u32) {
    for _ in 0..minutes {
        let start = account.world().now;
        let _ = account.keeper().tick().await;
        next_minute(account, start);
    }
}

#[tokio::test]
async fn a_second_unguarded_job_is_announced_while_the_first_stands() {
    let account = Account::new();
    for job in ["fw-1", "fw-2"] {
        refuse_alarms(&account, job);
    }
    account.job("fw-1", 0);
    minutes(&account, 30).await;
    let said = emails(&account);
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0].0, attention("fw-1"));
    assert!(said[0].1.contains("\n  Not guarded: "), "{}", said[0].1);
    assert!(said[0].1.contains("tripline doctor --job-id fw-1"), "{}", said[0].1);
    account.job("fw-2", 0);
    minutes(&account, 30).await;
    assert_eq!(subjects(&account), [attention("fw-2")]);
    assert_eq!(account.gauge("unguardedJobs"), 2.0);
}

#[tokio::test]
async fn a_job_that_is_armed_in_time_is_announced_to_nobody() {
    let account = Account::new();
    account.job("fw", 0);
    cold(&account, 120).await;
    assert_eq!(emails(&account), []);
}

#[tokio::test]
async fn a_job_is_announced_again_when_its_case_changes() {
    let account = Account::new();
    cold(&account, 1).await;
    overdue(&account, "fw");
    cold(&account, 5).await;
    assert_eq!(subjects(&account), [attention("fw")]);
    account.change("fw", |job| job.endings.succeeded = 7);
    cold(&account, 15).await;
    let said = emails(&account);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].1.contains("7 executions ended and none of them was counted"), "{}", said[0].1);
    assert!(!said[0].1.contains("far longer"), "{}", said[0].1);
}

#[tokio::test]
async fn an_e_mail_names_twenty_rollouts_and_the_next_minute_s_the_rest() {
    let account = Account::new();
    for job in 0..30 {
        overdue(&account, &format!("fw-{job}"));
    }
    cold(&account, 10).await;
    let named = [20, 10].map(|number| format!("Tripline: {number} rollouts need attention"));
    assert_eq!(subjects(&account), named);
}

#[tokio::test]
async fn what_could_not_be_sent_is_sent_the_next_minute_and_the_minute_failed() {
    let account = Account::new();
    overdue(&account, "fw");
    account.world().fails.insert("Publish".to_owned(), FailureKind::Throttled);
    for _ in 0..3 {
        let start = account.world().now;
        let failed = account.keeper().tick().await.unwrap_err();
        assert_eq!(failed.first.kind, FailureKind::Throttled);
        next_minute(&account, start);
    }
    assert_eq!(emails(&account), []);
    account.world().fails.clear();
    cold(&account, 3).await;
    assert_eq!(subjects(&account), [attention("fw")]);
}

/// Its own memory has to do, for as long as the environment lives.
#[tokio::test]
async fn a_table_that_takes_nothing_does_not_make_a_flood() {
    let account = Account::new();
    overdue(&account, "fw");
    account.world().fails.insert("BatchWriteItem".to_owned(), FailureKind::Throttled);
    let keeper = account.keeper();
    for _ in 0..59 {
        let start = account.world().now;
        keeper.tick().await.unwrap_err();
        next_minute(&account, start);
    }
    assert_eq!(subjects(&account), [attention("fw")]);
    // Nobody knows what people have heard.
    account.world().fails.insert("Scan".to_owned(), FailureKind::Throttled);
    account.keeper().tick().await.unwrap_err();
    assert_eq!(emails(&account), []);
}

#[tokio::test]
async fn endings_that_were_made_up_are_counted_and_announced() {
    let account = Account::new();
    cold(&account, 1).await;
    account.job("fw", 0);
    cold(&account, 30).await;
    account.change("fw", |job| job.counted = 40);
    cold(&account, 70).await;
    assert_eq!(account.gauge("overcountedCount"), 40.0);
    let said = emails(&account);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].1.contains("40 more ended executions were counted"), "{}", said[0].1);
    account.change("fw", |job| job.endings.failed = 40);
    cold(&account, 10).await;
    assert_eq!(account.gauge("overcountedCount"), 0.0);
}

/// Two stacks in one account, which both count.
#[tokio::test]
async fn endings_that_are_counted_twice_are_found_and_those_of_an_earlier_job_are_not() {
    let account = Account::new();
    cold(&account, 1).await;
    account.job("twice", 0);
    account.job("again", 0);
    // CloudWatch has it by the hour, and another job of the name was there before.
    account.change("again", |job| job.counted = 500);
    for minute in 1..=40 {
        let endings = EndedCounts { succeeded: 10 * minute, ..EndedCounts::default() };
        account.change("twice", |job| (job.endings, job.counted) = (endings, 20 * minute));
        account.change("again", |job| (job.endings, job.counted) = (endings, 500 + 10 * minute));
        cold(&account, 1).await;
    }
    assert!(account.gauge("overcountedCount") > 200.0);
    // Once, and again as it has grown to four times as much.
    let said = subjects(&account);
    assert!((1..=4).contains(&said.len()), "{said:?}");
    assert!(said.iter().all(|subject| *subject == attention("twice")), "{said:?}");
}

#[tokio::test]
async fn endings_lost_while_events_were_off_are_announced_when_they_are_on_again() {
    for keeps in [true, false] {
        let settings = crate::settings::Settings {
            keep_job_events: keeps,
            ..crate::settings::tests::settings()
        };
        let account = Account::with(settings);
        cold(&account, 1).await;
        account.job("fw", 0);
        account.change("fw", |job| (job.endings.succeeded, job.counted) = (50, 50));
        cold(&account, 20).await;
        account.world().events_are_on = false;
        if !keeps {
            cold(&account, 5).await;
        }
        account.change("fw", |job| job.endings.succeeded = 62);
        if !keeps {
            cold(&account, 5).await;
            emails(&account);
            account.world().events_are_on = true;
        }
        cold(&account, 1).await;
        assert_eq!(account.gauge("uncountedCount"), 12.0, "{keeps}");
        let said = emails(&account);
        assert!(
            said[0].1.contains("About 12 executions ended while job events were off"),
            "{said:?}"
        );
        cold(&account, 30).await;
        assert_eq!((account.gauge("uncountedCount"), emails(&account)), (0.0, vec![]));
    }
}
