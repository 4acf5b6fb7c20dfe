//! Which alarms are muted now. The active rules are listed once a minute; which alarms one names is asked
//! once, and again when it changes.

use std::collections::BTreeMap;

use tripline_aws::{Failure, FailureKind};

use super::{LOOK, all, late};
use crate::ask::Ask;
use crate::clock::{Call, Clock, Minute};
use crate::keeper::Keeper;

/// Most rules whose alarms are known. A rule names at most a hundred.
const MAX_RULES: usize = 100;

impl<C: Ask, K: Clock + Sync> Keeper<C, K> {
    /// The muted alarms, each with the rule that mutes it.
    pub(super) async fn muted(
        &self,
        minute: &Minute<'_, K>,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let list = |next| self.client.list_mute_rules(next);
        let rules = all("ListAlarmMuteRules", minute, Call::MuteRules, list).await?;
        let more = rules.len() > MAX_RULES;
        let (mut known, mut muted) = (BTreeMap::new(), BTreeMap::new());
        for rule in rules.into_iter().take(MAX_RULES) {
            let alarms = match self.cache.muted_by(&rule) {
                Some(alarms) => alarms,
                None if !minute.may(Call::MuteRules, LOOK).await => {
                    return Err(late("GetAlarmMuteRule"));
                }
                None => self.client.muted_alarms(&rule.name).await?,
            };
            muted.extend(alarms.iter().map(|alarm| (alarm.clone(), rule.name.clone())));
            known.insert(rule, alarms);
        }
        self.cache.learn_mutes(known);
        if more {
            let text =
                format!("more than {MAX_RULES} active mute rules; the others are not looked at");
            return Err(Failure::new("ListAlarmMuteRules", FailureKind::Refused, text));
        }
        Ok(muted)
    }
}
