//! What AWS's documentation says and its models do not.

mod alarm;
mod data;
mod expressions;

use std::collections::BTreeSet;

use crate::check::shown;
use crate::given::Given;
use crate::wire::Asked;

/// Most tags of a resource.
const MAX_TAGS: usize = 50;
/// Most targets of a job.
const MAX_TARGETS: usize = 100;
/// Bytes of a message of SNS, of one by SMS, and characters of a subject.
const MAX_MESSAGE: usize = 256 << 10;
const MAX_SMS: usize = 1_600;
const MAX_SUBJECT: usize = 100;
/// Bytes of a template that comes with its request, and of a parameter of a stack.
const MAX_TEMPLATE: usize = 51_200;
const MAX_PARAMETER: usize = 4_096;
/// Bytes of an object's key, and of what is written on it.
const MAX_KEY: usize = 1_024;
const MAX_METADATA: usize = 2 << 10;
/// Most entries of a batch of SQS.
const MAX_BATCH: usize = 10;

/// Adds what breaks a rule of an operation.
pub(crate) fn hold(asked: &Asked, now: Option<f64>, faults: &mut Vec<String>) {
    let input = &asked.input;
    let mut rules = Rules { input, now, faults };
    rules.tags();
    match (asked.model.name.as_str(), asked.operation.name.as_str()) {
        ("cloudwatch", "PutMetricAlarm") => rules.put_metric_alarm(),
        ("cloudwatch", "PutMetricData") => rules.put_metric_data(),
        ("cloudwatch", "GetMetricData") => rules.get_metric_data(),
        ("iot", "CreateJob") => rules.create_job(),
        ("sns", "Publish") => rules.publish(),
        ("sqs", "SendMessageBatch" | "DeleteMessageBatch") => rules.batch(),
        ("dynamodb", _) => rules.expressions(input),
        ("cloudformation", "CreateStack" | "UpdateStack" | "CreateChangeSet") => rules.stack(),
        ("s3", _) => rules.object(),
        _ => {}
    }
}

struct Rules<'a> {
    input: &'a Given,
    now: Option<f64>,
    faults: &'a mut Vec<String>,
}

impl<'a> Rules<'a> {
    fn fault(&mut self, what: impl Into<String>) {
        self.faults.push(what.into());
    }

    fn check(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.fault(what());
        }
    }

    fn has(&self, name: &str) -> bool {
        self.input.get(name).is_some()
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.input.get(name)?.text()
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.input.get(name)?.number()
    }

    fn items(&self, name: &str) -> &'a [Given] {
        self.input.get(name).map_or(&[], Given::items)
    }

    /// Exactly one of these is given.
    fn one_of(&mut self, names: &[&str]) {
        let given = names.iter().filter(|name| self.has(name)).count();
        self.check(given == 1, || format!("{given} of {} (expected one)", names.join(", ")));
    }

    fn tags(&mut self) {
        let Some(tags) = self.input.get("Tags").or_else(|| self.input.get("tags")) else { return };
        let member =
            |tag: &'a Given, names: [&str; 2]| names.iter().find_map(|name| tag.get(name)?.text());
        let of_list = tags.items().iter().map(|tag| {
            (
                member(tag, ["Key", "key"]).unwrap_or_default(),
                member(tag, ["Value", "value"]).unwrap_or_default(),
            )
        });
        let of_map = tags
            .entries()
            .iter()
            .map(|(key, value)| (key.as_str(), value.text().unwrap_or_default()));
        let pairs: Vec<(&str, &str)> = of_list.chain(of_map).collect();
        self.check(pairs.len() <= MAX_TAGS, || {
            format!("tags: {} (expected at most {MAX_TAGS})", pairs.len())
        });
        let mut keys = BTreeSet::new();
        for (key, value) in pairs {
            let is_free = !key.to_ascii_lowercase().starts_with("aws:");
            self.check(is_free, || format!("tags: {} (`aws:` is AWS's own)", shown(key)));
            self.check(keys.insert(key), || format!("tags: {} twice", shown(key)));
            let lengths = (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256;
            self.check(lengths, || format!("tags: {}: too long", shown(key)));
            let is_plain = |c: char| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c);
            for text in [key, value] {
                self.check(text.chars().all(is_plain), || {
                    format!("tags: {}: a character that no tag may have", shown(text))
                });
            }
        }
    }

    fn create_job(&mut self) {
        if !self.has("jobTemplateArn") {
            self.one_of(&["document", "documentSource"]);
        }
        let targets = self.items("targets").len();
        self.check(targets <= MAX_TARGETS, || {
            format!("targets: {targets} (expected at most {MAX_TARGETS})")
        });
    }

    fn publish(&mut self) {
        self.one_of(&["TopicArn", "TargetArn", "PhoneNumber"]);
        let message = self.text("Message").unwrap_or_default();
        let most = if self.has("PhoneNumber") { MAX_SMS } else { MAX_MESSAGE };
        let length = message.len();
        self.check((1..=most).contains(&length), || {
            format!("Message: {length} bytes (expected 1 to {most})")
        });
        if let Some(subject) = self.text("Subject") {
            let length = subject.chars().count();
            self.check((1..=MAX_SUBJECT).contains(&length), || {
                format!("Subject: {length} characters (expected 1 to {MAX_SUBJECT})")
            });
            let is_line = subject.chars().all(|c| c == ' ' || c.is_ascii_graphic())
                && !subject.starts_with(' ');
            self.check(is_line, || {
                format!("Subject: {} (expected a line of ASCII)", shown(subject))
            });
        }
        if self.text("MessageStructure") == Some("json") {
            let by_protocol =
                serde_json::from_str::<serde_json::Value>(message).unwrap_or_default();
            self.check(by_protocol["default"].is_string(), || {
                "Message: no `default` in JSON".to_owned()
            });
        }
    }

    fn batch(&mut self) {
        let entries = self.items("Entries");
        let number = entries.len();
        self.check((1..=MAX_BATCH).contains(&number), || {
            format!("Entries: {number} (expected 1 to {MAX_BATCH})")
        });
        let ids: BTreeSet<&str> =
            entries.iter().filter_map(|entry| entry.get("Id")?.text()).collect();
        self.check(ids.len() == number, || "Entries: an Id twice".to_owned());
    }

    fn stack(&mut self) {
        if self.input.get("UsePreviousTemplate").and_then(Given::text) != Some("true") {
            self.one_of(&["TemplateBody", "TemplateURL"]);
        }
        let template = self.text("TemplateBody").map_or(0, str::len);
        self.check(template <= MAX_TEMPLATE, || {
            format!("TemplateBody: {template} bytes (expected at most {MAX_TEMPLATE})")
        });
        for parameter in self.items("Parameters") {
            let text = |name| parameter.get(name).and_then(Given::text).unwrap_or_default();
            self.check(text("ParameterValue").len() <= MAX_PARAMETER, || {
                format!(
                    "Parameters: {}: more than {MAX_PARAMETER} bytes",
                    shown(text("ParameterKey"))
                )
            });
        }
    }

    fn object(&mut self) {
        let key = self.text("Key").unwrap_or_default();
        self.check(key.len() <= MAX_KEY, || {
            format!("Key: {} bytes (expected at most {MAX_KEY})", key.len())
        });
        if let Some(bucket) = self.text("Bucket") {
            let is_plain = |byte: u8| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte)
            };
            let is_name = (3..=63).contains(&bucket.len()) && bucket.bytes().all(is_plain);
            self.check(is_name, || {
                format!("Bucket: {} (expected 3 to 63 of a-z, 0-9, - and .)", shown(bucket))
            });
        }
        let metadata = self.input.get("Metadata").map_or(&[][..], Given::entries);
        let length: usize = metadata
            .iter()
            .map(|(name, value)| name.len() + value.text().map_or(0, str::len))
            .sum();
        self.check(length <= MAX_METADATA, || {
            format!("Metadata: {length} bytes (expected at most {MAX_METADATA})")
        });
    }
}
