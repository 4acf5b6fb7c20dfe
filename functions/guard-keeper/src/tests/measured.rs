//! What a minute of the keeper takes, as the documents show it.

use std::fmt::Write;

use super::*;
use crate::clock::Call;

/// Minutes that are measured, once everything is armed and known.
const MINUTES: u32 = 10;

/// One row: rollouts in progress of which devices end all the time.
async fn row(jobs: u32) -> String {
    let account = Account::new();
    cold(&account, 1).await;
    for job in 0..jobs {
        let name = format!("fw-2-1-{job:03}");
        account.job(&name, 0);
        account.change(&name, |job| job.at_work = vec![0; 10]);
    }
    let keeper = account.keeper();
    warm(&keeper, &account, 30).await;
    let (mut asked, mut described, mut latest) = (0, 0, Duration::ZERO);
    for minute in 1..=MINUTES {
        for job in 0..jobs {
            let count = 2 * minute;
            let name = format!("fw-2-1-{job:03}");
            account.change(&name, |job| (job.endings.succeeded, job.counted) = (count, count));
        }
        let start = account.world().now;
        let before = account.world().asked;
        warm(&keeper, &account, 1).await;
        let world = account.world();
        asked += world.asked - before;
        let calls = world.calls.iter().filter(|(_, at)| *at >= start);
        described += calls.filter(|(call, _)| *call == Call::DescribeJob).count();
        let out = world.published.last().unwrap().counts_out;
        latest = latest.max(out.map_or(Duration::ZERO, |out| out - start));
    }
    let minutes = usize::try_from(MINUTES).unwrap();
    let memory = account.world().memory.as_ref().unwrap().len();
    let (asked, described) = (asked.div_ceil(minutes), described.div_ceil(minutes));
    format!("| {jobs} | {asked} | {described} | {:.1} | {memory} |", latest.as_secs_f64())
}

/// Whoever changes how often AWS is asked changes the table too. The fake answers each call in 20 ms.
#[tokio::test]
async fn the_table_of_what_a_minute_takes_is_true() {
    let mut table = String::from(
        "| rollouts in progress | calls | rollouts described | seconds until the last counts are out | bytes remembered |\n| --- | --- | --- | --- | --- |",
    );
    for jobs in [0, 1, 20, 50, 100, 500] {
        let _ = write!(table, "\n{}", row(jobs).await);
    }
    let operations = include_str!("../../../../docs/operations.md");
    assert!(operations.contains(&table), "docs/operations.md should have:\n{table}");
}
