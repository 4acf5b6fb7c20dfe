//! The demo: a good rollout that completes, a bad one that is stopped, and what people are alerted.
//!
//! It acts as an operator and as the devices, through the command `tripline` and the APIs of AWS.
//! It does nothing on the stack's behalf: the stop comes from a device's report through job event,
//! rule, function, metric, alarm, topic and stopper, or it does not come.

mod operator;
mod rollout;
mod verdict;
mod view;

use std::time::{Duration, Instant};

use crate::local_aws::LocalAws;
use crate::mailbox::Mailbox;
use crate::stack::Stack;
use crate::{Error, Result};
use operator::Operator;
use rollout::{Moment, Rollout};
use verdict::Verdict;
use view::View;

const STACK: &str = "tripline-demo";
const DEVICES: u32 = 200;
/// The bad rollout's waves.
const PER_MINUTE: i32 = 40;
/// A rollout that is neither through nor stopped by then has failed the demo.
const WITHIN: Duration = Duration::from_secs(110);
/// From the last report until it is a metric.
const SETTLES_WITHIN: Duration = Duration::from_secs(15);

/// How the devices fare with a firmware. Ten minutes of download take a second here.
struct Firmware {
    job_id: &'static str,
    what: &'static str,
    per_minute: Option<i32>,
    /// Options of `tripline fleet run`.
    devices: &'static str,
}

const GOOD: Firmware = Firmware {
    job_id: "firmware-2-0",
    what: "firmware 2.0, which is good: all devices at once",
    per_minute: None,
    devices: "--median 240 --sigma 0.3 --retries 0.1 --failed 0.01 --seed 20",
};
const BAD: Firmware = Firmware {
    job_id: "firmware-2-1",
    what: "firmware 2.1, which is bad: in waves of 40 a minute",
    per_minute: Some(PER_MINUTE),
    devices: "--median 240 --sigma 0.3 --slow 0.9 --slow-median 5400 --retries 4 --seed 21",
};

/// Runs the demo. `true`: the bad rollout was stopped, and the good one was not.
pub async fn run() -> Result<bool> {
    let start = Instant::now();
    let mut view = View::new();

    view.chapter("a local AWS, and the stack of templates/tripline.yaml on it");
    let aws = LocalAws::start().await?;
    let stack = Stack::create(&aws, STACK, &[]).await?;
    let mailbox = Mailbox::subscribe(&aws, stack.output("EmailTopicArn")?, "demo-mailbox").await?;
    let operator = Operator::new(&aws)?;
    view.say(&format!("{} with {} outputs, at {}", STACK, stack.outputs().len(), aws.endpoint()));

    view.chapter("a fleet");
    let fleet = format!("--devices {DEVICES} --prefix demo-");
    let group = operator.tripline(&format!("fleet register {fleet}")).await?;
    let demo = Demo { aws: &aws, operator: &operator, group: group.trim(), fleet: &fleet };

    let good = demo.roll_out(&GOOD, &mut view).await?;
    let bad = demo.roll_out(&BAD, &mut view).await?;
    let emails = mailbox.emails().await?;

    let verdict = Verdict::new(DEVICES, good, bad, emails);
    view.chapter("the verdict");
    print!("{verdict}");
    println!("  ({} s)", start.elapsed().as_secs());
    Ok(verdict.passed())
}

struct Demo<'a> {
    aws: &'a LocalAws,
    operator: &'a Operator<'a>,
    group: &'a str,
    /// Options of `tripline fleet` that say which devices.
    fleet: &'a str,
}

impl Demo<'_> {
    /// Arms a rollout, starts it, is its devices, and watches until it is decided.
    async fn roll_out(&self, firmware: &Firmware, view: &mut View) -> Result<Moment> {
        let Firmware { job_id, what, per_minute, devices } = firmware;
        view.chapter(what);
        // Armed before the first device gets it.
        let apply = format!("alarms apply examples/demo.ini --stack {STACK} --job-id {job_id}");
        self.operator.tripline(&apply).await?;
        let rollout = Rollout::create(self.aws, job_id, self.group, *per_minute).await?;

        let fleet = self.fleet;
        let run = format!("fleet run {fleet} --job-id {job_id} --speedup 600 --poll 2 {devices}");
        let devices = self.operator.tripline_quiet(&run);
        // The devices at work when a rollout is stopped finish what they do.
        let (_, last) = tokio::try_join!(devices, watch(&rollout, view))?;

        self.operator.tripline(&format!("alarms remove --stack {STACK} --job-id {job_id}")).await?;
        Ok(Moment { job: rollout.job().await?, ..last })
    }
}

/// Shows a rollout until it has ended and all of its reports have become metrics.
async fn watch(rollout: &Rollout, view: &mut View) -> Result<Moment> {
    let start = Instant::now();
    let mut ended: Option<Instant> = None;
    loop {
        let moment = rollout.moment().await?;
        view.show(&moment, start.elapsed());
        if moment.job.ended() {
            let since = *ended.get_or_insert_with(Instant::now);
            if moment.is_settled() || since.elapsed() > SETTLES_WITHIN {
                return Ok(moment);
            }
        } else if start.elapsed() > WITHIN {
            return Err(Error(format!(
                "rollout `{}`: neither through nor stopped within {} s",
                moment.job.id,
                WITHIN.as_secs()
            )));
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}
