//! Which rights a call needs: what IAM would be asked, read from the request.
//!
//! Written down from AWS's service authorization reference. A call that is not known here needs a right that no policy
//! gives, so that whoever makes a new one has to say what it needs.

use std::io::Read;

use serde_json::Value;

use super::call::parameter;
use crate::cbor;
use crate::local_aws::REGION;

/// The account of the local AWS.
pub const ACCOUNT: &str = "000000000000";

/// A right that a call needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// Such as `iot:CancelJob`.
    pub action: String,
    /// On what; `*` where IAM can name nothing.
    pub resource: String,
    /// What is known of the request, by the keys of conditions.
    pub context: Vec<(String, String)>,
}

impl std::fmt::Display for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} on {}", self.action, self.resource)?;
        self.context.iter().try_for_each(|(key, value)| write!(f, ", {key} {value}"))
    }
}

/// A request, as far as it matters here.
pub(super) struct Asked<'a> {
    pub service: &'a str,
    pub method: &'a str,
    /// With its query.
    pub path: &'a str,
    /// The API's name of it, where the request has one.
    pub operation: &'a str,
    pub body: &'a [u8],
    pub is_compressed: bool,
}

impl Asked<'_> {
    pub(super) fn rights(&self) -> Vec<Right> {
        let known = match self.service {
            "monitoring" => self.of_cloudwatch(),
            "iot" => self.of_iot(),
            "dynamodb" => self.of_dynamodb(),
            "s3" => self.of_s3(),
            "sns" => self.of_form("sns", "TopicArn"),
            "cloudformation" => self.of_cloudformation(),
            "states" => self.of_states(),
            // AWS answers it without a right.
            "sts" => Some(Vec::new()),
            _ => None,
        };
        known.unwrap_or_else(|| {
            let what =
                format!("{}:{} {} (no right is known)", self.service, self.method, self.path);
            vec![right(what, "*")]
        })
    }

    fn of_cloudwatch(&self) -> Option<Vec<Right>> {
        let asked = match self.is_compressed {
            false => cbor::read(self.body),
            true => {
                let mut plain = Vec::new();
                flate2::read::GzDecoder::new(self.body).read_to_end(&mut plain).ok()?;
                cbor::read(&plain)
            }
        };
        let alarm = |name: &str| arn("cloudwatch", &format!("alarm:{name}"));
        let text = |key: &str| asked.get(key).and_then(Value::as_str);
        let on = |resource: String| right(format!("cloudwatch:{}", self.operation), resource);
        Some(match self.operation {
            "PutMetricData" => {
                vec![on("*".to_owned()).with("cloudwatch:namespace", text("Namespace")?)]
            }
            "GetMetricData" | "ListAlarmMuteRules" => vec![on("*".to_owned())],
            // With any narrower resource CloudWatch leaves composite alarms out.
            "DescribeAlarms" if texts(&asked, "AlarmTypes").any(|is| is == "CompositeAlarm") => {
                vec![on("*".to_owned())]
            }
            "DescribeAlarms" => vec![on(alarm("*"))],
            "DescribeAlarmHistory" | "SetAlarmState" => vec![on(alarm(text("AlarmName")?))],
            "PutMetricAlarm" => {
                let put = on(alarm(text("AlarmName")?));
                let tag = Right { action: "cloudwatch:TagResource".to_owned(), ..put.clone() };
                let has_tags = asked.get("Tags").and_then(Value::as_array).is_some();
                [put].into_iter().chain(has_tags.then_some(tag)).collect()
            }
            "DeleteAlarms" | "EnableAlarmActions" | "DisableAlarmActions" => {
                texts(&asked, "AlarmNames").map(|name| on(alarm(name))).collect()
            }
            "ListTagsForResource" | "TagResource" => vec![on(text("ResourceARN")?.to_owned())],
            "GetAlarmMuteRule" => {
                let rule = format!("alarm-mute-rule:{}", text("AlarmMuteRuleName")?);
                vec![on(arn("cloudwatch", &rule))]
            }
            _ => return None,
        })
    }

    fn of_iot(&self) -> Option<Vec<Right>> {
        let (path, query) = self.path.split_once('?').unwrap_or((self.path, ""));
        let segments: Vec<String> = path.split('/').skip(1).map(decoded).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let body: Value = serde_json::from_slice(self.body).unwrap_or_default();
        let text = |key: &str| body.get(key).and_then(Value::as_str);
        let on = |action: &str, kind: &str, name: &str| {
            right(format!("iot:{action}"), arn("iot", &format!("{kind}/{name}")))
        };
        let all = |action: &str| vec![right(format!("iot:{action}"), "*")];
        let passed = |role: Option<&str>| {
            role.map(|role| {
                right("iam:PassRole", role).with("iam:PassedToService", "iot.amazonaws.com")
            })
        };
        let signs = || body.get("presignedUrlConfig")?.get("roleArn")?.as_str();
        Some(match (self.method, segments.as_slice()) {
            ("GET", ["jobs"]) => all("ListJobs"),
            ("GET", ["jobs", job]) => vec![on("DescribeJob", "job", job)],
            ("GET", ["jobs", job, "job-document"]) => vec![on("GetJobDocument", "job", job)],
            ("GET", ["jobs", job, "things"]) => vec![on("ListJobExecutionsForJob", "job", job)],
            ("PUT", ["jobs", job, "cancel"]) => vec![on("CancelJob", "job", job)],
            ("DELETE", ["jobs", job]) => vec![on("DeleteJob", "job", job)],
            ("PATCH", ["jobs", job]) => {
                [on("UpdateJob", "job", job)].into_iter().chain(passed(signs())).collect()
            }
            ("PUT", ["jobs", job]) => {
                let mut create = on("CreateJob", "job", job);
                create.context.extend(tags(&body));
                let tag = Right { action: "iot:TagResource".to_owned(), ..create.clone() };
                let tag = (!create.context.is_empty()).then_some(tag);
                let targets = texts(&body, "targets").map(|on| right("iot:CreateJob", on));
                [create].into_iter().chain(tag).chain(targets).chain(passed(signs())).collect()
            }
            ("GET", ["things", thing]) => vec![on("DescribeThing", "thing", thing)],
            ("GET", ["things", thing, "jobs"]) => {
                vec![on("ListJobExecutionsForThing", "thing", thing)]
            }
            ("GET", ["things", thing, "jobs", job]) => {
                let of = |kind, name| on("DescribeJobExecution", kind, name);
                vec![of("job", job), of("thing", thing)]
            }
            ("GET", ["thing-groups", group, "things"]) => {
                vec![on("ListThingsInThingGroup", "thinggroup", group)]
            }
            ("DELETE", ["thing-groups", group]) => {
                vec![on("DeleteThingGroup", "thinggroup", group)]
            }
            ("GET", ["event-configurations"]) => all("DescribeEventConfigurations"),
            ("PATCH", ["event-configurations"]) => all("UpdateEventConfigurations"),
            ("GET", ["tags"]) => {
                vec![right("iot:ListTagsForResource", parameter(query, "resourceArn")?)]
            }
            ("POST", ["tags"]) => {
                let mut tag = right("iot:TagResource", text("resourceArn")?);
                tag.context.extend(tags(&body));
                vec![tag]
            }
            ("POST", ["streams", stream]) => {
                let create = on("CreateStream", "stream", stream);
                let tag = body.get("tags").map(|_| on("TagResource", "stream", stream));
                [create].into_iter().chain(tag).chain(passed(text("roleArn"))).collect()
            }
            ("GET", ["streams", stream]) => vec![on("DescribeStream", "stream", stream)],
            ("DELETE", ["streams", stream]) => vec![on("DeleteStream", "stream", stream)],
            _ => return None,
        })
    }

    fn of_dynamodb(&self) -> Option<Vec<Right>> {
        let body: Value = serde_json::from_slice(self.body).ok()?;
        let on = |action: &str, table: &str, key: Option<&str>| {
            let table = arn("dynamodb", &format!("table/{table}"));
            let right = right(format!("dynamodb:{action}"), table);
            match key {
                Some(key) => right.with("dynamodb:LeadingKeys", key),
                None => right,
            }
        };
        let table = || body.get("TableName")?.as_str();
        Some(match self.operation {
            "Scan" => vec![on("Scan", table()?, None)],
            "GetItem" | "PutItem" | "UpdateItem" | "DeleteItem" => {
                vec![on(self.operation, table()?, Some(leading(&body)?))]
            }
            "Query" => {
                // `queue = :queue ..`
                let wanted = body.get("KeyConditionExpression")?.as_str()?;
                let name = format!(":{}", wanted.split(':').nth(1)?);
                let name = name.split(|c: char| c.is_whitespace() || c == ')').next()?;
                let key = body.get("ExpressionAttributeValues")?.get(name)?.get("S")?.as_str()?;
                vec![on("Query", table()?, Some(key))]
            }
            "BatchWriteItem" => {
                let mut rights = Vec::new();
                for (table, requests) in body.get("RequestItems")?.as_object()? {
                    for request in requests.as_array()? {
                        let (_, request) = request.as_object()?.iter().next()?;
                        rights.push(on("BatchWriteItem", table, Some(leading(request)?)));
                    }
                }
                rights
            }
            "TransactWriteItems" => {
                let mut rights = Vec::new();
                for item in body.get("TransactItems")?.as_array()? {
                    let (kind, item) = item.as_object()?.iter().next()?;
                    let action = match kind.as_str() {
                        "ConditionCheck" => "ConditionCheckItem".to_owned(),
                        kind => format!("{kind}Item"),
                    };
                    let table = item.get("TableName")?.as_str()?;
                    rights.push(on(&action, table, Some(leading(item)?)));
                }
                rights
            }
            _ => return None,
        })
    }

    fn of_s3(&self) -> Option<Vec<Right>> {
        let (path, query) = self.path.split_once('?').unwrap_or((self.path, ""));
        let path = decoded(path.trim_start_matches('/'));
        let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
        let has = |name: &str| {
            query.split('&').any(|pair| pair.split('=').next().is_some_and(|is| is == name))
        };
        let action = match (self.method, key.is_empty()) {
            ("GET", true) if has("versioning") => "GetBucketVersioning",
            ("GET", true) if has("policyStatus") => "GetBucketPolicyStatus",
            ("GET", true) if has("publicAccessBlock") => "GetBucketPublicAccessBlock",
            ("GET" | "HEAD", true) => "ListBucket",
            ("GET" | "HEAD", false) if has("versionId") => "GetObjectVersion",
            ("GET" | "HEAD", false) => "GetObject",
            ("PUT" | "POST", false) => "PutObject",
            ("DELETE", false) if has("versionId") => "DeleteObjectVersion",
            ("DELETE", false) if has("uploadId") => "AbortMultipartUpload",
            ("DELETE", false) => "DeleteObject",
            _ => return None,
        };
        let slash = if key.is_empty() { "" } else { "/" };
        Some(vec![right(format!("s3:{action}"), format!("arn:aws:s3:::{bucket}{slash}{key}"))])
    }

    fn of_cloudformation(&self) -> Option<Vec<Right>> {
        let form = std::str::from_utf8(self.body).ok()?;
        let stack = parameter(form, "StackName")?;
        let stack = arn("cloudformation", &format!("stack/{stack}/an-id"));
        Some(vec![right(format!("cloudformation:{}", self.operation), stack)])
    }

    /// A service that speaks forms, of which each has its resource under this key.
    fn of_form(&self, service: &str, key: &str) -> Option<Vec<Right>> {
        let form = std::str::from_utf8(self.body).ok()?;
        Some(vec![right(format!("{service}:{}", self.operation), parameter(form, key)?)])
    }

    fn of_states(&self) -> Option<Vec<Right>> {
        let body: Value = serde_json::from_slice(self.body).ok()?;
        let machine = match self.operation {
            "ListExecutions" => body.get("stateMachineArn")?.as_str()?.to_owned(),
            // A token does not say whose it is. The tests' stack is called so.
            "SendTaskSuccess" | "SendTaskFailure" | "SendTaskHeartbeat" => {
                arn("states", "stateMachine:tripline-releases")
            }
            _ => return None,
        };
        Some(vec![right(format!("states:{}", self.operation), machine)])
    }
}

fn right(action: impl Into<String>, resource: impl Into<String>) -> Right {
    Right { action: action.into(), resource: resource.into(), context: Vec::new() }
}

impl Right {
    fn with(mut self, key: &str, value: &str) -> Self {
        self.context.push((key.to_owned(), value.to_owned()));
        self
    }
}

fn arn(service: &str, name: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{name}")
}

fn texts<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a str> {
    value.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// `aws:RequestTag/<key>` of each tag.
fn tags(body: &Value) -> Vec<(String, String)> {
    let all = body.get("tags").and_then(Value::as_array).into_iter().flatten();
    let pair = |tag: &Value| {
        let text = |key: &str| tag.get(key).and_then(Value::as_str);
        Some((format!("aws:RequestTag/{}", text("Key")?), text("Value")?.to_owned()))
    };
    all.filter_map(pair).collect()
}

/// The partition key of an item of either of the stack's tables.
fn leading(request: &Value) -> Option<&str> {
    let item = request.get("Key").or_else(|| request.get("Item"))?;
    // An entry of a queue has a job, too.
    item.get("queue").or_else(|| item.get("jobId"))?.get("S")?.as_str()
}

/// A path's segment as it is meant.
fn decoded(segment: &str) -> String {
    let pair = format!("is={}", segment.replace('+', "%2B"));
    parameter(&pair, "is").unwrap_or_else(|| segment.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rights(service: &str, line: &str, operation: &str, body: &[u8]) -> Vec<String> {
        let (method, path) = line.split_once(' ').unwrap();
        let asked = Asked { service, method, path, operation, body, is_compressed: false };
        asked.rights().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_call_needs_what_iam_asks_for() {
        let job = json!({
            "targets": ["arn:aws:iot:us-east-1:000000000000:thing/a"],
            "presignedUrlConfig": {"roleArn": "arn:aws:iam::000000000000:role/r"},
            "tags": [{"Key": "tripline:stack", "Value": "tripline"}],
        });
        let tag = "aws:RequestTag/tripline:stack tripline";
        assert_eq!(
            rights("iot", "PUT /jobs/wave-a", "", job.to_string().as_bytes()),
            [
                format!("iot:CreateJob on arn:aws:iot:us-east-1:000000000000:job/wave-a, {tag}"),
                format!("iot:TagResource on arn:aws:iot:us-east-1:000000000000:job/wave-a, {tag}"),
                "iot:CreateJob on arn:aws:iot:us-east-1:000000000000:thing/a".to_owned(),
                "iam:PassRole on arn:aws:iam::000000000000:role/r, iam:PassedToService iot.amazonaws.com".to_owned(),
            ]
        );
        let put = cbor::write(&json!({"Namespace": "Tripline", "MetricData": []}));
        assert_eq!(
            rights("monitoring", "POST /", "PutMetricData", &put),
            ["cloudwatch:PutMetricData on *, cloudwatch:namespace Tripline"]
        );
        let get = json!({"TableName": "t", "Key": {"jobId": {"S": "evidence#fw"}}});
        assert_eq!(
            rights("dynamodb", "POST /", "GetItem", get.to_string().as_bytes()),
            [
                "dynamodb:GetItem on arn:aws:dynamodb:us-east-1:000000000000:table/t, dynamodb:LeadingKeys evidence#fw"
            ]
        );
        assert_eq!(
            rights("s3", "GET /bucket/a%20key?x-id=GetObject", "", b""),
            ["s3:GetObject on arn:aws:s3:::bucket/a key"]
        );
    }

    #[test]
    fn a_call_that_is_not_known_needs_what_nobody_has() {
        assert_eq!(
            rights("iot", "DELETE /everything", "", b""),
            ["iot:DELETE /everything (no right is known) on *"]
        );
    }
}
