//! Asks AWS for what the checks need, and judges nothing.
//!
//! Each need is asked once, whatever the number of checks; several at a time, and never more than
//! [`AT_ONCE`], so that the calls stay far below any quota.

mod answer;
mod clients;
mod clock;
mod functions;
mod health;
pub(crate) mod job;
mod queues;
pub(crate) mod reported;
mod roles;
mod rule;
mod stack;
mod topics;

use std::collections::BTreeSet;

use tokio::sync::Semaphore;
use tripline::job::JobId;

use super::facts::{Facts, JobFacts, Need, NoAnswer, StackFacts};
use crate::aws::arming::guard::Guard;
use crate::exit::Error;
pub use clients::Clients;

/// Most needs that are asked at a time.
const AT_ONCE: usize = 6;

/// What is to be checked.
#[derive(Debug)]
pub struct Question<'a> {
    pub stack: &'a str,
    pub job: Option<&'a JobId>,
    pub devices: Option<u32>,
    pub guard: Option<&'a Guard>,
}

impl Clients {
    /// Asks for these needs. Only the stack has to be there; everything else that cannot be asked is
    /// a gap in the facts.
    pub async fn ask(
        &self,
        question: &Question<'_>,
        needs: &BTreeSet<Need>,
    ) -> Result<Facts, Error> {
        let stack =
            self.describe_stack(question.stack).await.map_err(|error| self.dates.explain(error))?;
        let mut facts = Facts::not_asked(&self.alarms.region, stack, self.dates.ahead());
        let limit = Semaphore::new(AT_ONCE);
        let when = |need: Need| needs.contains(&need);
        let stack = &facts.stack;
        let (
            resources,
            events,
            rule,
            generator,
            stopper,
            keeper,
            runner,
            ingest,
            undelivered,
            topics,
            sms,
            key,
            health,
            job,
        ) = tokio::join!(
            limited(
                &limit,
                when(Need::Resources) || when(Need::OwnAlarms),
                self.list_resources_and_alarms(stack, when(Need::OwnAlarms))
            ),
            limited(&limit, when(Need::Events), async {
                Ok(self.alarms.sends_job_events().await?)
            }),
            limited(
                &limit,
                when(Need::Rule) || when(Need::RuleRole),
                self.get_rule_and_role(stack, when(Need::RuleRole))
            ),
            limited(
                &limit,
                true,
                self.get_function_and_role(
                    stack,
                    "MetricsGeneratorFunctionArn",
                    "MetricsGeneratorRoleArn",
                    [when(Need::Generator), when(Need::GeneratorRole)]
                )
            ),
            limited(
                &limit,
                true,
                self.get_function_and_role(
                    stack,
                    "ForceStopperFunctionArn",
                    "ForceStopperRoleArn",
                    [when(Need::Stopper), when(Need::StopperRole)]
                )
            ),
            limited(
                &limit,
                true,
                self.get_function_and_role(
                    stack,
                    "GuardKeeperFunctionArn",
                    "GuardKeeperRoleArn",
                    [when(Need::Keeper), when(Need::KeeperRole)]
                )
            ),
            limited(
                &limit,
                stack.outputs.contains_key("WaveRunnerFunctionArn"),
                self.get_function_and_role(
                    stack,
                    "WaveRunnerFunctionArn",
                    "WaveRunnerRoleArn",
                    [when(Need::Runner), when(Need::RunnerRole)]
                )
            ),
            limited(&limit, when(Need::Ingest), self.get_ingest(stack)),
            limited(&limit, when(Need::Undelivered), self.get_undelivered_queue(stack)),
            limited(
                &limit,
                when(Need::Topics) || when(Need::StopSubscription) || when(Need::Filters),
                self.get_topics(stack, when(Need::StopSubscription), when(Need::Filters))
            ),
            limited(&limit, when(Need::Sms), self.get_sms_settings()),
            limited(
                &limit,
                when(Need::Key) && stack.outputs.contains_key("StackKeyArn"),
                self.get_key(stack)
            ),
            limited(&limit, when(Need::Health), self.get_health(stack, self.dates.now())),
            limited(
                &limit,
                question.job.is_some(),
                self.describe_job_and_guard(stack, question, needs, self.dates.now())
            ),
        );
        if let Some((resources, alarms)) = resources {
            (facts.resources, facts.own_alarms) = (resources, alarms);
        }
        if let Some((rule, role)) = rule {
            (facts.rule, facts.rule_role) = (rule, role);
        }
        for (asked, function, role) in [
            (generator, &mut facts.generator, &mut facts.generator_role),
            (stopper, &mut facts.stopper, &mut facts.stopper_role),
            (keeper, &mut facts.keeper, &mut facts.keeper_role),
            (runner, &mut facts.runner, &mut facts.runner_role),
        ] {
            if let Some(asked) = asked {
                (*function, *role) = asked;
            }
        }
        if let Some((topics, subscription)) = topics {
            (facts.topics, facts.stop_subscription) = (topics, subscription);
        }
        facts.events = events.unwrap_or(Err(NoAnswer::NotAsked));
        facts.ingest = ingest.unwrap_or(Err(NoAnswer::NotAsked));
        facts.undelivered = undelivered.unwrap_or(Err(NoAnswer::NotAsked));
        facts.sms = sms.unwrap_or(facts.sms);
        facts.key = key.unwrap_or(Err(NoAnswer::NotAsked));
        facts.health = health.unwrap_or(Err(NoAnswer::NotAsked));
        facts.job = job.flatten();
        Ok(facts)
    }

    async fn describe_job_and_guard(
        &self,
        stack: &StackFacts,
        question: &Question<'_>,
        needs: &BTreeSet<Need>,
        now: i64,
    ) -> Option<JobFacts> {
        let id = question.job?;
        let plan = match question.guard {
            Some(guard) if needs.contains(&Need::Config) => Some(self.plan_alarms(guard).await),
            _ => None,
        };
        let mut job = self.ask_about_job(stack, id, question.devices, plan, needs, now).await;
        job.file = question.guard.map(|guard| guard.file.clone());
        Some(job)
    }
}

/// Waits for its turn, and does nothing unless it is wanted.
async fn limited<T>(limit: &Semaphore, wanted: bool, ask: impl Future<Output = T>) -> Option<T> {
    if !wanted {
        return None;
    }
    // It is never closed.
    let _turn = limit.acquire().await.ok()?;
    Some(ask.await)
}
