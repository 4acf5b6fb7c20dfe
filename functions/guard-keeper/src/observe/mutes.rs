//! Which alarms are muted now. The active rules are listed once a minute; which alarms one names is asked
//! once, and again when it changes.

use std::collections::BTreeMap;

use tripline_aws::cloudwatch::MuteRule;
use tripline_aws::{Failure, FailureKind};

use super::{LOOK, all, late};
use crate::ask::Ask;
use crate::clock::{Call, Clock, Minute};
use crate::keeper::Keeper;

/// Most rules whose alarms are known. A rule names at most a hundred.
const MAX_RULES: usize = 100;

impl<C: Ask, K: Clock + Sync> Keeper<C, K> {
    /// The muted alarms, each with the rule that mutes it, and what could not be read of it. What is not
    /// known now is as it was known last.
    pub(super) async fn muted(
        &self,
        minute: &Minute<'_, K>,
    ) -> (BTreeMap<String, String>, Option<Failure>) {
        let list = |next| self.client.list_mute_rules(next);
        let mut failure = None;
        let mut known = BTreeMap::new();
        match all("ListAlarmMuteRules", minute, Call::MuteRules, list).await {
            Err(failed) => {
                failure = Some(failed);
                known = self.cache.mutes();
            }
            Ok(rules) => {
                if rules.len() > MAX_RULES {
                    let text =
                        format!("more than {MAX_RULES} active mute rules; not all are checked");
                    failure = Some(Failure::new("ListAlarmMuteRules", FailureKind::Refused, text));
                }
                for rule in rules.into_iter().take(MAX_RULES) {
                    match self.alarms_of_rule(minute, &rule).await {
                        Ok(alarms) => drop(known.insert(rule, alarms)),
                        Err(failed) => failure = Some(failed),
                    }
                }
                self.cache.learn_mutes(known.clone());
            }
        }
        let of = |(rule, alarms): (MuteRule, Vec<String>)| {
            alarms.into_iter().map(move |alarm| (alarm, rule.name.clone()))
        };
        (known.into_iter().flat_map(of).collect(), failure)
    }

    async fn alarms_of_rule(
        &self,
        minute: &Minute<'_, K>,
        rule: &MuteRule,
    ) -> Result<Vec<String>, Failure> {
        match self.cache.muted_by(rule) {
            Some(alarms) => Ok(alarms),
            None if !minute.may(Call::MuteRules, LOOK).await => Err(late("GetAlarmMuteRule")),
            None => self.client.muted_alarms(&rule.name).await,
        }
    }
}
