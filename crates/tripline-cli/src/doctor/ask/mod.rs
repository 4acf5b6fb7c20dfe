//! Asks AWS for what the checks need, and judges nothing.
//!
//! Each need is asked once, whatever the number of checks; several at a time, and never more than
//! [`AT_ONCE`], so that the calls stay far below any quota.

mod clock;
mod functions;
mod health;
mod job;
mod queues;
mod roles;
mod rule;
mod stack;
mod topics;

use std::collections::BTreeSet;

use tokio::sync::Semaphore;
use tripline::job::JobId;
use tripline_aws::Failure;

use super::facts::{Asked, Facts, Gap, JobFacts, Need};
use crate::aws::arming::guard::Guard;
use crate::aws::clients::Aws;
use crate::aws::connect::Connection;
use crate::exit::Error;
use clock::Dates;

/// Most needs that are asked at a time.
const AT_ONCE: usize = 6;

/// The clients, all of one region.
#[derive(Debug)]
pub struct Clients {
    pub alarms: Aws,
    pub lambda: aws_sdk_lambda::Client,
    pub sqs: aws_sdk_sqs::Client,
    pub iam: aws_sdk_iam::Client,
    pub kms: aws_sdk_kms::Client,
    dates: Dates,
}

/// What is to be checked.
#[derive(Debug)]
pub struct Question<'a> {
    pub stack: &'a str,
    pub job: Option<&'a JobId>,
    pub devices: Option<u32>,
    pub guard: Option<&'a Guard>,
}

impl Clients {
    /// Clients for a connection.
    pub fn of(connection: Connection) -> Self {
        let config = &connection.config;
        let (lambda, sqs) = (aws_sdk_lambda::Client::new(config), aws_sdk_sqs::Client::new(config));
        let (iam, kms) = (aws_sdk_iam::Client::new(config), aws_sdk_kms::Client::new(config));
        let dates = Dates::default();
        let dated =
            aws_sdk_cloudformation::config::Builder::from(config).interceptor(dates.clone());
        let mut alarms = Aws::for_connection(connection);
        alarms.cloudformation = aws_sdk_cloudformation::Client::from_conf(dated.build());
        Self { alarms, lambda, sqs, iam, kms, dates }
    }

    /// Asks for these needs. Only the stack has to be there; everything else that cannot be asked is
    /// a gap in the facts.
    pub async fn ask(
        &self,
        question: &Question<'_>,
        needs: &BTreeSet<Need>,
    ) -> Result<Facts, Error> {
        let stack = self.stack(question.stack).await.map_err(|error| self.dates.explain(error))?;
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
                self.resources(stack, when(Need::OwnAlarms))
            ),
            limited(&limit, when(Need::Events), async {
                Ok(self.alarms.sends_job_events().await?)
            }),
            limited(
                &limit,
                when(Need::Rule) || when(Need::RuleRole),
                self.rule(stack, when(Need::RuleRole))
            ),
            limited(
                &limit,
                true,
                self.function(
                    stack,
                    "MetricsGeneratorFunctionArn",
                    "MetricsGeneratorRoleArn",
                    [when(Need::Generator), when(Need::GeneratorRole)]
                )
            ),
            limited(
                &limit,
                true,
                self.function(
                    stack,
                    "ForceStopperFunctionArn",
                    "ForceStopperRoleArn",
                    [when(Need::Stopper), when(Need::StopperRole)]
                )
            ),
            limited(
                &limit,
                true,
                self.function(
                    stack,
                    "GuardKeeperFunctionArn",
                    "GuardKeeperRoleArn",
                    [when(Need::Keeper), when(Need::KeeperRole)]
                )
            ),
            limited(&limit, when(Need::Ingest), self.ingest(stack)),
            limited(&limit, when(Need::Undelivered), self.undelivered(stack)),
            limited(
                &limit,
                when(Need::Topics) || when(Need::StopSubscription) || when(Need::Filters),
                self.topics(stack, when(Need::StopSubscription), when(Need::Filters))
            ),
            limited(&limit, when(Need::Sms), self.sms()),
            limited(
                &limit,
                when(Need::Key) && stack.outputs.contains_key("StackKeyArn"),
                self.key(stack)
            ),
            limited(&limit, when(Need::Health), self.health(stack, self.dates.now())),
            limited(
                &limit,
                question.job.is_some(),
                self.job(stack, question, needs, self.dates.now())
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
        ] {
            if let Some(asked) = asked {
                (*function, *role) = asked;
            }
        }
        if let Some((topics, subscription)) = topics {
            (facts.topics, facts.stop_subscription) = (topics, subscription);
        }
        facts.events = events.unwrap_or(Err(Gap::NotAsked));
        facts.ingest = ingest.unwrap_or(Err(Gap::NotAsked));
        facts.undelivered = undelivered.unwrap_or(Err(Gap::NotAsked));
        facts.sms = sms.unwrap_or(facts.sms);
        facts.key = key.unwrap_or(Err(Gap::NotAsked));
        facts.health = health.unwrap_or(Err(Gap::NotAsked));
        facts.job = job.flatten();
        Ok(facts)
    }

    async fn job(
        &self,
        stack: &super::facts::StackFacts,
        question: &Question<'_>,
        needs: &BTreeSet<Need>,
        now: i64,
    ) -> Option<JobFacts> {
        let id = question.job?;
        let plan = match question.guard {
            Some(guard) if needs.contains(&Need::Config) => Some(self.plan(guard).await),
            _ => None,
        };
        let mut job = self.guarded(stack, id, question.devices, plan, needs, now).await;
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

/// An answer about a thing that may be gone.
fn if_there<T>(asked: Result<T, Failure>) -> Asked<Option<T>> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(failure) if failure.kind == tripline_aws::FailureKind::NotFound => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}
