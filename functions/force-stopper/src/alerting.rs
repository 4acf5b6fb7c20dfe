//! Telling people, each thing once.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tripline::announcement::Announcement;
use tripline::job::JobId;
use tripline::recent::Recent;
use tripline_aws::Failure;

use crate::Stopper;
use crate::ask::{Publish, Surroundings, TakeTurn, Turn};

/// How many things that were said an environment remembers, by medium.
const REMEMBERED: usize = 1_000;

/// What people were told, of which rollout and state change. A message's id says nothing of that: a
/// refusal must not silence a stop, nor one delivery of a state change another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Said {
    Stopped(Rollout),
    Taken(Rollout),
    NotStopped(Rollout, Change),
    Observed(Rollout, String, Change),
}

/// A job and when it was created: the id of a deleted job can be used again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Rollout(pub JobId, pub Option<i64>);

/// A state change of an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Change {
    /// When it was, in seconds since the epoch.
    At(i64),
    /// That is not known: the delivery that tells of it.
    ToldBy(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Medium {
    Email,
    Sms,
}

/// What this environment has told.
#[derive(Debug)]
pub(crate) struct Alerts {
    said: Mutex<Recent<(Said, Medium)>>,
    /// When a refusal was told of last, in seconds since the epoch.
    refusal: Mutex<Option<i64>>,
}

impl Default for Alerts {
    fn default() -> Self {
        Self { said: Mutex::new(Recent::new(REMEMBERED)), refusal: Mutex::default() }
    }
}

/// A panic while it was held leaves nothing half done.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<C: Publish + TakeTurn + Surroundings + Sync> Stopper<C> {
    /// Tells people by e-mail and SMS, each once a thing as far as this environment remembers.
    pub(crate) async fn alert(&self, said: &Said, told: &Announcement) -> Result<(), Failure> {
        // Both are tried, so that one that fails does not silence the other.
        let (email, sms) = tokio::join!(
            self.publish_once(said, Medium::Email, told),
            self.publish_once(said, Medium::Sms, told)
        );
        email.and(sms)
    }

    async fn publish_once(
        &self,
        said: &Said,
        medium: Medium,
        told: &Announcement,
    ) -> Result<(), Failure> {
        let key = (said.clone(), medium);
        if held(&self.alerts.said).contains(&key) {
            return Ok(());
        }
        let settings = &self.settings;
        let (topic, subject, text) = match medium {
            Medium::Email => (&settings.email_topic, Some(told.subject.as_str()), &told.body),
            Medium::Sms => (&settings.sms_topic, None, &told.sms),
        };
        let Some(topic) = topic else { return Ok(()) };
        self.client.publish(topic, subject, text).await?;
        held(&self.alerts.said).remember(key);
        Ok(())
    }

    /// Alerts people by e-mail to a rollout that is not stopped for want of verification: each once,
    /// as far as this environment remembers, and a few at most for the stack.
    pub(crate) async fn mail_not_stopped(
        &self,
        said: &Said,
        delivery: &str,
        told: &Announcement,
    ) -> Result<(), Failure> {
        let Some(topic) = &self.settings.email_topic else { return Ok(()) };
        let key = (said.clone(), Medium::Email);
        if held(&self.alerts.said).contains(&key) {
            return Ok(());
        }
        if self.may_mail(Turn::UnverifiedMail, delivery).await {
            self.client.publish(topic, Some(&told.subject), &told.body).await?;
            held(&self.alerts.said).remember(key);
        }
        Ok(())
    }

    /// Alerts people by e-mail to what anybody can bring about who may publish to the force-stop
    /// topic, if it is this stack's turn to. The rest is in the log and in the metrics. If it fails,
    /// the same delivery can try it again, here or in another environment.
    pub(crate) async fn mail_refusal(
        &self,
        delivery: &str,
        told: &Announcement,
    ) -> Result<(), Failure> {
        let Some(topic) = &self.settings.email_topic else { return Ok(()) };
        let now = self.client.now().seconds();
        let last = *held(&self.alerts.refusal);
        if last.is_some_and(|last| now < last.saturating_add(Turn::WINDOW)) {
            return Ok(());
        }
        if self.may_mail(Turn::RefusalMail, delivery).await {
            self.client.publish(topic, Some(&told.subject), &told.body).await?;
            *held(&self.alerts.refusal) = Some(now);
            if let Err(failure) = self.client.end_turn(Turn::RefusalMail, delivery).await {
                // Then it may be sent once more.
                tracing::warn!(%failure, "turn_not_ended");
            }
        }
        Ok(())
    }

    /// Whether it is this delivery's turn.
    async fn may_mail(&self, turn: Turn, delivery: &str) -> bool {
        let taken = self.client.take_turn(turn, delivery, self.client.now()).await;
        taken.unwrap_or_else(|failure| {
            // Then one an environment: too many are better than none.
            tracing::warn!(%failure, "turns_uncounted");
            true
        })
    }
}
