//! CloudWatch's alarm mute rules, as far as they are read: `ListAlarmMuteRules` and `GetAlarmMuteRule`.
//!
//! **A stand-in, not AWS.** The local AWS has no mute rules. This follows the names, shapes and errors of
//! AWS's API reference; whatever goes by mute rules is proven against it, and against nothing else. It keeps
//! no action from running, and every rule is active until it is lifted.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use serde_json::{Value, json};

use super::call::Call;
use super::fault::Refusal;
use crate::cbor;
use crate::local_aws::REGION;

/// The local AWS's account.
const ACCOUNT: &str = "000000000000";
/// What AWS documents as a page where nobody asks for another size.
const PAGE: usize = 50;
/// AWS documents no most, and a page of none would never end.
const SMALLEST_PAGE: u64 = 1;
/// The status of every rule here.
const ACTIVE: &str = "ACTIVE";

type Answer = Result<Value, Refusal>;

/// All rules, by their names.
#[derive(Debug, Default)]
pub(super) struct Mutes(BTreeMap<String, Rule>);

#[derive(Debug)]
struct Rule {
    alarms: Vec<String>,
    /// Seconds since the epoch.
    updated: f64,
}

impl Mutes {
    /// Whether a call is about mute rules.
    pub(super) fn are_meant_by(call: &Call) -> bool {
        let is_known = ["ListAlarmMuteRules", "GetAlarmMuteRule"].contains(&&*call.operation);
        is_known && call.service == "monitoring"
    }

    /// Makes a rule, or has it mute other alarms.
    pub(super) fn put(&mut self, rule: &str, alarms: Vec<String>) {
        let updated = SystemTime::now().duration_since(UNIX_EPOCH);
        let updated = updated.map_or(0.0, |since| since.as_secs_f64());
        self.0.insert(rule.to_owned(), Rule { alarms, updated });
    }

    /// Deletes a rule; whether there was one.
    pub(super) fn delete(&mut self, rule: &str) -> bool {
        self.0.remove(rule).is_some()
    }

    pub(super) fn answer(
        &self,
        call: &Call,
        request: &Parts,
        body: &[u8],
    ) -> Response<Full<Bytes>> {
        let asked = cbor::read(body);
        let answered = match &*call.operation {
            "GetAlarmMuteRule" => self.get(&asked),
            _ => self.list(&asked),
        };
        match answered {
            Ok(answer) => {
                let mut response = Response::new(Full::new(cbor::write(&answer).into()));
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/cbor"));
                headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
                response
            }
            Err(refusal) => refusal.answer(request, "monitoring"),
        }
    }

    fn list(&self, asked: &Value) -> Answer {
        let size = match asked.get("MaxRecords") {
            None => PAGE,
            Some(size) => size
                .as_u64()
                .filter(|size| *size >= SMALLEST_PAGE)
                .and_then(|size| usize::try_from(size).ok())
                .ok_or_else(|| Refusal::new(400, "ValidationError", "MaxRecords: 1 or more"))?,
        };
        let statuses = asked.get("Statuses").and_then(Value::as_array);
        let is_asked_for = statuses.is_none_or(|all| all.iter().any(|status| status == ACTIVE));
        let alarm = asked.get("AlarmName").and_then(Value::as_str);
        // The last name of the page before.
        let token = asked.get("NextToken").and_then(Value::as_str);
        let meant: Vec<(&String, &Rule)> = self
            .0
            .iter()
            .filter(|_| is_asked_for)
            .filter(|(_, rule)| alarm.is_none_or(|alarm| rule.alarms.iter().any(|is| is == alarm)))
            .filter(|(name, _)| token.is_none_or(|token| name.as_str() > token))
            .collect();
        let mut page = meant.iter().take(size);
        let summaries: Vec<Value> = page.clone().map(|(name, rule)| summary(name, rule)).collect();
        let mut answer = json!({"AlarmMuteRuleSummaries": summaries});
        if let (true, Some((last, _)), Some(answer)) =
            (meant.len() > size, page.next_back(), answer.as_object_mut())
        {
            answer.insert("NextToken".into(), last.as_str().into());
        }
        Ok(answer)
    }

    fn get(&self, asked: &Value) -> Answer {
        let name = asked.get("AlarmMuteRuleName").and_then(Value::as_str).unwrap_or_default();
        let rule = self.0.get(name).ok_or_else(|| {
            Refusal::new(404, "ResourceNotFoundException", "no such alarm mute rule")
        })?;
        let mut answer = summary(name, rule);
        if let Some(answer) = answer.as_object_mut() {
            answer.insert("Name".into(), name.into());
            // Every minute, for a minute: always.
            let schedule = json!({"Expression": "cron(* * * * *)", "Duration": "PT1M"});
            answer.insert("Rule".into(), json!({"Schedule": schedule}));
            answer.insert("MuteTargets".into(), json!({"AlarmNames": rule.alarms}));
        }
        Ok(answer)
    }
}

fn summary(name: &str, rule: &Rule) -> Value {
    json!({
        "AlarmMuteRuleArn": format!("arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm-mute-rule:{name}"),
        "Status": ACTIVE,
        "MuteType": "RECURRING",
        "LastUpdatedTimestamp": rule.updated,
    })
}
