//! alerting people, each thing once.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tripline::announcement::Announcement;
use tripline::job::JobId;
use tripline::recent::Recent;
use tripline_aws::Failure;

use crate::Stopper;
use crate::ask::{Publish, Surroundings, TakeTurn, Turn};

/// How many things that were said an environment remembers, by medium.
const REMEMBERED: usize = 1_000;

/// What people were alerted to, of which rollout and state change. A message's id says nothing of that: a
/// refusal must not silence a stop, nor one delivery of a state change another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Said {
    Stopped(Rollout),
    Taken(Rollout),
    NotStopped(Rollout, Change),
    /// That it is not stopped for want of verification: the rollout, or an alarm of an unknown one.
    Unverified(String),
    Observed(Rollout, String, Change),
    /// An alarm fired, and the rollout is held, by this alarm or an earlier one.
    Held(Rollout, String, Change),
}

/// A job and when it was created: the id of a deleted job can be used again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Rollout(pub JobId, pub Option<i64>);

/// A state change of an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Change {
    /// When it was, in seconds since the epoch.
    At(i64),
    /// That is not known: the delivery that reports it.
    AlertedBy(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Medium {
    Email,
    Sms,
}

/// What this environment has announcement.
#[derive(Debug)]
pub(crate) struct Alerts {
    said: Mutex<Recent<(Said, Medium)>>,
    /// Until when refusals are not mailed, in seconds since the epoch.
    refusals: Mutex<i64>,
    /// How many rollouts that are not stopped for want of verification were mailed since when, while
    /// the table could not be asked.
    uncounted: Mutex<(i64, u32)>,
}

impl Default for Alerts {
    fn default() -> Self {
        Self {
            said: Mutex::new(Recent::new(REMEMBERED)),
            refusals: Mutex::default(),
            uncounted: Mutex::default(),
        }
    }
}

/// A panic while it was held leaves nothing half done.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<C: Publish + TakeTurn + Surroundings + Sync> Stopper<C> {
    /// alerts people by e-mail and SMS, each once a thing as far as this environment remembers. A
    /// rollout is stopped once, but one that goes on may be announced with each message: then the stack
    /// remembers too, and SMS are limited.
    pub(crate) async fn alert(
        &self,
        said: &Said,
        delivery: &str,
        announcement: &Announcement,
    ) -> Result<(), Failure> {
        if matches!(said, Said::Stopped(_) | Said::Taken(_)) {
            // Both are tried, so that one that fails does not silence the other.
            let (email, sms) = tokio::join!(
                self.publish_once(said, Medium::Email, announcement),
                self.publish_once(said, Medium::Sms, announcement)
            );
            return email.and(sms);
        }
        if self.is_said(said, Medium::Email) && self.is_said(said, Medium::Sms) {
            return Ok(());
        }
        let now = self.client.now();
        let may_say = self.client.may_say(key_of(said), delivery, now).await;
        // Too many e-mails are better than none.
        if !may_say.unwrap_or_else(|failure| uncounted(&failure, true)) {
            return Ok(());
        }
        let sms = async {
            if self.is_said(said, Medium::Sms) || self.settings.sms_topic.is_none() {
                return Ok(());
            }
            let turn = self.client.take_turn(Turn::OtherSms, delivery, now).await;
            match turn.unwrap_or_else(|failure| uncounted(&failure, false)) {
                true => self.publish_once(said, Medium::Sms, announcement).await,
                false => Ok(()),
            }
        };
        let (email, sms) = tokio::join!(self.publish_once(said, Medium::Email, announcement), sms);
        email.and(sms)
    }

    fn is_said(&self, said: &Said, medium: Medium) -> bool {
        held(&self.alerts.said).contains(&(said.clone(), medium))
    }

    async fn publish_once(
        &self,
        said: &Said,
        medium: Medium,
        announcement: &Announcement,
    ) -> Result<(), Failure> {
        if self.is_said(said, medium) {
            return Ok(());
        }
        let settings = &self.settings;
        let (topic, subject, text) = match medium {
            Medium::Email => {
                (&settings.email_topic, Some(announcement.subject.as_str()), &announcement.body)
            }
            Medium::Sms => (&settings.sms_topic, None, &announcement.sms),
        };
        let Some(topic) = topic else { return Ok(()) };
        self.client.publish(topic, subject, text).await?;
        held(&self.alerts.said).remember((said.clone(), medium));
        Ok(())
    }

    /// Alerts people by e-mail to a rollout that is not stopped for want of verification: each once,
    /// as far as this environment remembers, and a few at most for the stack.
    pub(crate) async fn mail_not_stopped(
        &self,
        said: Said,
        delivery: &str,
        announcement: &Announcement,
    ) {
        let Some(topic) = &self.settings.email_topic else { return };
        if self.is_said(&said, Medium::Email) {
            return;
        }
        let now = self.client.now();
        let turn = self.client.take_turn(Turn::UnverifiedMail, delivery, now).await;
        let may = turn.unwrap_or_else(|failure| uncounted(&failure, self.has_room(now.seconds())));
        if !may {
            return;
        }
        match self.client.publish(topic, Some(&announcement.subject), &announcement.body).await {
            Ok(()) => held(&self.alerts.said).remember((said, Medium::Email)),
            Err(error) => tracing::error!(%error, "alert_failed"),
        }
    }

    /// Whether this environment may mail without the stack's count.
    fn has_room(&self, now: i64) -> bool {
        let mut uncounted = held(&self.alerts.uncounted);
        if now >= uncounted.0.saturating_add(Turn::WINDOW) {
            *uncounted = (now, 0);
        }
        uncounted.1 += 1;
        uncounted.1 <= Turn::UnverifiedMail.most()
    }

    /// Alerts people by e-mail to what anybody can bring about who may publish to the force-stop
    /// topic, if it is this stack's turn to. The rest is in the log and in a metric that has an
    /// alarm, which also speaks if the table cannot be asked. If it fails, the same delivery can try
    /// it again, here or in another environment.
    pub(crate) async fn mail_refusal(
        &self,
        delivery: &str,
        announcement: &Announcement,
    ) -> Result<(), Failure> {
        let Some(topic) = &self.settings.email_topic else { return Ok(()) };
        let now = self.client.now();
        if now.seconds() < *held(&self.alerts.refusals) {
            return Ok(());
        }
        let taken = self.client.take_turn(Turn::RefusalMail, delivery, now).await;
        if !taken.unwrap_or_else(|failure| uncounted(&failure, false)) {
            // A flood must not wear out the table. Lambda's next attempt comes later.
            *held(&self.alerts.refusals) = now.seconds().saturating_add(TURNED_AWAY);
            return Ok(());
        }
        self.client.publish(topic, Some(&announcement.subject), &announcement.body).await?;
        *held(&self.alerts.refusals) = now.seconds().saturating_add(Turn::WINDOW);
        if let Err(failure) = self.client.end_turn(Turn::RefusalMail, delivery).await {
            // Then it may be sent once more.
            tracing::warn!(%failure, "turn_not_ended");
        }
        Ok(())
    }
}

/// For so many seconds an environment asks for no turn that it did not get.
const TURNED_AWAY: i64 = 30;

fn uncounted(failure: &Failure, otherwise: bool) -> bool {
    tracing::warn!(%failure, "turns_uncounted");
    otherwise
}

/// The same in every environment of one version of the function.
fn key_of(said: &Said) -> u64 {
    let mut hasher = DefaultHasher::new();
    said.hash(&mut hasher);
    hasher.finish()
}
