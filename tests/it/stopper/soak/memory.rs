//! What an environment remembers has a bound, however long it lives.

use serde_json::Value;
use tripline_tests::faults::{Fault, Plan};
use tripline_tests::http_aws::{Account, HttpAws};
use tripline_tests::lambda_runtime::Function;

use super::frame::{grouped, seed, size, summarize};
use super::{events, messages};
use crate::matrix::heavy;
use crate::{generator, stopper};

/// Invocations of one environment, in the short and in the long run.
const EVENTS: (u64, u64) = (1_000, 100_000);
const MESSAGES: (u64, u64) = (300, 20_000);
/// Most that an environment may grow by after a tenth of them, in KiB: pieces that its allocator keeps. If each
/// event or message left itself behind, a long run would show at least three times as much.
const GROWTH: u64 = 8 * 1_024;

/// The memory of one environment, in KiB, after a tenth of its invocations and after all.
async fn grown(
    function: &Function,
    plan: Plan,
    count: u64,
    mut prepare: impl FnMut(&mut Account, u64) -> Value,
) -> (u64, u64) {
    let aws = HttpAws::default();
    let door = aws.door(|_| plan).await.unwrap();
    let number = door.number();
    let mut environment = function.environment(door).await.unwrap();
    let mut after_a_tenth = 0;
    for n in 0..count {
        let event = {
            let mut account = aws.account();
            account.published.clear();
            account.metrics.clear();
            account.jobs.clear();
            account.alarms.clear();
            prepare(&mut account, n)
        };
        environment.invoke(&event, None).await.unwrap();
        aws.ledger().take(number);
        if n == count / 10 {
            after_a_tenth = environment.resident().expect("a process");
        }
    }
    assert_eq!(environment.processes(), 1, "one process for all");
    (after_a_tenth, environment.resident().expect("a process"))
}

#[tokio::test]
async fn memory_does_not_grow_with_what_was_handled() {
    let _alone = heavy().await;
    let seed = seed();
    // Quick faults, so that what is done after one has its turn, too.
    let reset = Plan::new(|call| (call.n.is_multiple_of(20)).then_some(Fault::Reset));
    let counts = [size(EVENTS.0, EVENTS.1), size(MESSAGES.0, MESSAGES.1)];
    let [events, messages] = counts;
    let generator = generator::stage::function("direct");
    let of_events = grown(&generator, reset.clone(), events, |_, n| {
        serde_json::from_str(&events::event(seed, n).0).unwrap()
    });
    let stopper = stopper::stage::function();
    let of_messages =
        grown(&stopper, Plan::none(), messages, |account, n| messages::prepare(account, seed, n).2);
    let (of_events, of_messages) = tokio::join!(of_events, of_messages);
    let line = |function: &str, count: u64, what: &str, (tenth, end): (u64, u64)| {
        let count = grouped(count);
        let [tenth, end] = [tenth, end].map(grouped);
        format!(
            "- {function}, {count} {what} in one process: {tenth} KiB after a tenth, {end} KiB at the end"
        )
    };
    let lines = [
        line("metrics-generator", events, "events", of_events),
        line("force-stopper", messages, "messages", of_messages),
    ];
    summarize("memory", &lines.join("\n"));
    for (tenth, end) in [of_events, of_messages] {
        assert!(end <= tenth + GROWTH, "{}", lines.join("\n"));
    }
}
