//! A request that AWS takes passes, and each kind of fault is found, in each protocol.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::*;

/// A request that owns what it is made of.
struct Made {
    method: &'static str,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Made {
    fn faults(&self) -> Vec<String> {
        let Self { method, target, headers, body } = self;
        faults(&Request { method, target, headers, body, now: Some(now()) })
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

fn made(service: &str, line: &str, body: impl Into<Vec<u8>>) -> Made {
    let methods = ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD"];
    let (method, target) = line.split_once(' ').unwrap();
    let method = methods.into_iter().find(|is| *is == method).unwrap();
    let scope = format!(
        "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host"
    );
    let made = Made { method, target: target.to_owned(), headers: Vec::new(), body: body.into() };
    made.with("Authorization", &scope)
}

fn rest(service: &str, line: &str, body: &Value) -> Made {
    made(service, line, if body.is_null() { String::new() } else { body.to_string() })
}

fn target(name: &str, body: &Value) -> Made {
    made("any", "POST /", body.to_string()).with("X-Amz-Target", name)
}

fn form(service: &str, text: &str) -> Made {
    made(service, "POST /", text).with("content-type", "application/x-www-form-urlencoded")
}

/// To CloudWatch. Numbers under `Timestamp` are times.
fn cbor(operation: &str, body: &Value) -> Made {
    let line = format!("POST /service/GraniteServiceVersion20100801/operation/{operation}");
    let mut bytes = Vec::new();
    ciborium::into_writer(&as_cbor("", body), &mut bytes).unwrap();
    made("monitoring", &line, bytes).with("smithy-protocol", "rpc-v2-cbor")
}

fn as_cbor(key: &str, value: &Value) -> ciborium::Value {
    use ciborium::Value as Cbor;
    match value {
        Value::Object(entries) => Cbor::Map(
            entries.iter().map(|(key, of)| (Cbor::Text(key.clone()), as_cbor(key, of))).collect(),
        ),
        Value::Array(items) => Cbor::Array(items.iter().map(|item| as_cbor("", item)).collect()),
        // What JSON cannot say.
        Value::String(text) if text == "NaN" => Cbor::Float(f64::NAN),
        Value::Number(number) if key == "Timestamp" => {
            Cbor::Tag(1, Box::new(Cbor::Float(number.as_f64().unwrap())))
        }
        other => Cbor::serialized(other).unwrap(),
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// The same with other members; `null` takes one away.
fn but(good: &Value, changes: Value) -> Value {
    let mut changed = good.clone();
    for (name, value) in changes.as_object().unwrap() {
        changed[name] = value.clone();
    }
    changed.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    changed
}

fn tags(number: usize) -> Value {
    (0..number).map(|n| json!({"Key": format!("k{n}"), "Value": "v"})).collect()
}

/// Every request is refused for this reason, and for no other.
fn each_is_found(table: Vec<(Made, &str)>) {
    for (request, expected) in table {
        let found = request.faults();
        assert!(
            found.len() == 1 && found[0].contains(expected),
            "expected `{expected}` of {} {}: {found:#?}",
            request.method,
            request.target
        );
    }
}

fn each_passes(requests: Vec<Made>) {
    for request in requests {
        assert_eq!(request.faults(), Vec::<String>::new(), "{} {}", request.method, request.target);
    }
}

#[test]
fn rest_in_json() {
    let job = json!({
        "targets": ["arn:aws:iot:us-east-1:000000000000:thinggroup/all"],
        "document": "{}", "targetSelection": "SNAPSHOT",
        "jobExecutionsRolloutConfig": {"maximumPerMinute": 100},
        "abortConfig": {"criteriaList": [{
            "failureType": "ALL", "action": "CANCEL", "thresholdPercentage": 12.5, "minNumberOfExecutedThings": 1,
        }]},
        "presignedUrlConfig": {"roleArn": "arn:aws:iam::000000000000:role/signer", "expiresInSec": 3600},
        "tags": tags(50),
    });
    let create = |changes: Value| rest("iot", "PUT /jobs/fw-1", &but(&job, changes));
    let cancel = |body: Value| rest("iot", "PUT /jobs/fw-1/cancel?force=true", &body);
    each_passes(vec![
        create(json!({})),
        cancel(json!({"reasonCode": "FORCE_STOP", "comment": "äöü 世界"})),
        made("iot", "PUT /jobs/fw-1/cancel", ""),
        rest("iot", "GET /jobs?maxResults=250&status=IN_PROGRESS", &Value::Null),
        rest("iot", "GET /things/a%3Ab/jobs/fw-1?executionNumber=7", &Value::Null),
        rest("iot-jobs-data", "GET /things/a/jobs/$next?includeJobDocument=true", &Value::Null),
        rest("lambda", "GET /2015-03-31/functions/my-function/configuration", &Value::Null),
    ]);
    each_is_found(vec![
        // Required and unknown members, in the body, the path and the query.
        (create(json!({"targets": null})), "targets: missing"),
        (
            create(json!({"presignedUrlConfig": {"url": "a"}})),
            "presignedUrlConfig.`url`: no such member",
        ),
        (
            create(json!({"abortConfig": {"criteriaList": [{
                "failureType": "ALL", "action": "CANCEL", "thresholdPercentage": 1,
            }]}})),
            "abortConfig.criteriaList[0].minNumberOfExecutedThings: missing",
        ),
        (rest("iot", "GET /jobs?max=1", &Value::Null), "`max`: no such parameter"),
        (rest("iot", "GET /jobs-of-all", &Value::Null), "no such operation"),
        (rest("iot", "GET /tags", &Value::Null), "resourceArn: missing"),
        (rest("new-service", "GET /", &Value::Null), "no model is read of this service"),
        // Types.
        (create(json!({"document": 7})), "document: a whole number (expected string)"),
        (create(json!({"targets": "a"})), "targets: a text (expected list)"),
        (
            create(json!({"timeoutConfig": {"inProgressTimeoutInMinutes": 1.5}})),
            "a number (expected long)",
        ),
        (cancel(json!([])), "body: a list (expected a structure)"),
        (made("iot", "PUT /jobs/fw-1/cancel", "{"), "(expected JSON)"),
        (
            rest("iot", "PUT /jobs/fw-1/cancel?force=yes", &json!({})),
            "force: a text (expected boolean)",
        ),
        // Lengths, patterns, enums, ranges.
        (cancel(json!({"comment": "a".repeat(2_029)})), "comment: 2029 characters"),
        (cancel(json!({"comment": "two\nlines"})), "comment: `two\\nlines` does not match"),
        (cancel(json!({"reasonCode": "force-stop"})), "reasonCode: `force-stop` does not match"),
        (cancel(json!({"reasonCode": "A".repeat(129)})), "reasonCode: 129 characters"),
        (rest("iot", "PUT /jobs/a%20b/cancel", &json!({})), "jobId: `a b` does not match"),
        (create(json!({"document": "a".repeat(32_769)})), "document: 32769 characters"),
        (create(json!({"targets": []})), "targets: 0 items"),
        (create(json!({"targetSelection": "ALL"})), "targetSelection: `ALL` (expected one of"),
        (rest("iot", "GET /jobs?status=ENDED", &Value::Null), "status: `ENDED`"),
        (
            create(json!({"jobExecutionsRolloutConfig": {"maximumPerMinute": 0}})),
            "maximumPerMinute: 0 as its value",
        ),
        (rest("iot", "GET /jobs?maxResults=251", &Value::Null), "maxResults: 251 as its value"),
        // What no model knows.
        (create(json!({"document": null})), "0 of document, documentSource"),
        (create(json!({"tags": tags(51)})), "tags: 51"),
        (create(json!({"tags": [{"Key": "aws:a", "Value": "b"}]})), "AWS's own"),
        (
            create(json!({"tags": [{"Key": "a", "Value": "b"}, {"Key": "a", "Value": "c"}]})),
            "`a` twice",
        ),
        (
            create(json!({"targets": vec!["arn:aws:iot:us-east-1:000000000000:thing/a"; 101]})),
            "targets: 101",
        ),
    ]);
}

#[test]
fn cbor_of_cloudwatch() {
    let alarm = json!({
        "AlarmName": "a", "MetricName": "downloadTime", "Namespace": "IoT:OTA:JobExecution",
        "Dimensions": [{"Name": "jobId", "Value": "fw-1"}], "Period": 60, "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2, "ExtendedStatistic": "p99.9", "Threshold": 10.5,
        "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching",
        "EvaluateLowSampleCountPercentile": "ignore",
        "AlarmActions": ["arn:aws:sns:us-east-1:000000000000:a"], "Tags": tags(50),
    });
    let put = |changes: Value| cbor("PutMetricAlarm", &but(&alarm, changes));
    let none = json!({
        "MetricName": null, "Namespace": null, "Dimensions": null, "Period": null, "ExtendedStatistic": null,
        "EvaluateLowSampleCountPercentile": null,
    });
    let stat = |id: &str| {
        json!({
            "Id": id, "ReturnData": false,
            "MetricStat": {"Metric": {"Namespace": "n", "MetricName": "m"}, "Period": 60, "Stat": "Sum"},
        })
    };
    let returned = json!({"Id": "e", "Expression": "a*2"});
    let math = |metrics: Value| {
        cbor("PutMetricAlarm", &but(&but(&alarm, none.clone()), json!({"Metrics": metrics})))
    };
    let datum = json!({
        "MetricName": "downloadTime", "Dimensions": [{"Name": "jobId", "Value": "fw-1"}], "Timestamp": now(),
        "Values": [1.0, 2], "Counts": [1.0, 3.0], "Unit": "Seconds",
    });
    let data =
        |datums: Value| cbor("PutMetricData", &json!({"Namespace": "n", "MetricData": datums}));
    let one = |changes: Value| data(json!([but(&datum, changes)]));
    each_passes(vec![
        put(json!({})),
        put(json!({"Period": 3_600, "EvaluationPeriods": 168, "DatapointsToAlarm": 168})),
        put(json!({"Period": 10, "EvaluationPeriods": 8_640})),
        math(json!([stat("a"), returned])),
        one(json!({})),
        data(vec![datum.clone(); 1_000].into()),
    ]);
    each_is_found(vec![
        // Of the model.
        (put(json!({"AlarmName": ""})), "AlarmName: 0 characters"),
        (put(json!({"AlarmName": "a".repeat(256)})), "AlarmName: 256 characters"),
        (put(json!({"AlarmDescription": "a".repeat(1_025)})), "AlarmDescription: 1025 characters"),
        (
            put(json!({"AlarmActions": vec!["arn:aws:sns:us-east-1:000000000000:a"; 6]})),
            "AlarmActions: 6 items",
        ),
        (put(json!({"ComparisonOperator": "Above"})), "ComparisonOperator: `Above`"),
        (put(json!({"Namespace": ":n"})), "Namespace: `:n` does not match"),
        (put(json!({"EvaluationPeriods": 0})), "EvaluationPeriods: 0 as its value"),
        (put(json!({"Threshold": "10"})), "Threshold: a text (expected double)"),
        (put(json!({"Limit": 1})), "`Limit`: no such member"),
        (cbor("PutMetricAlarms", &json!({})), "no such operation"),
        (one(json!({"MetricName": null})), "MetricData[0].MetricName: missing"),
        (one(json!({"Unit": "Hours"})), "Unit: `Hours`"),
        (one(json!({"Dimensions": vec![json!({"Name": "n", "Value": "v"}); 31]})), "31 items"),
        // What it does not know.
        (put(json!({"AlarmName": "a\tb"})), "a control character"),
        (put(json!({"Period": 45})), "Period: 45"),
        (
            put(json!({"Period": 60, "EvaluationPeriods": 1_441})),
            "Period x EvaluationPeriods: 86460",
        ),
        (
            put(json!({"Period": 3_600, "EvaluationPeriods": 169})),
            "Period x EvaluationPeriods: 608400",
        ),
        (put(json!({"DatapointsToAlarm": 4})), "DatapointsToAlarm: 4 of 3"),
        (put(json!({"Statistic": "Sum"})), "2 of Statistic, ExtendedStatistic"),
        (put(json!({"ExtendedStatistic": "p101"})), "ExtendedStatistic: `p101`"),
        (put(json!({"Threshold": null})), "0 of Threshold, ThresholdMetricId"),
        (put(json!({"Threshold": "NaN"})), "Threshold: not finite"),
        (put(json!({"TreatMissingData": "good"})), "TreatMissingData: `good`"),
        (
            put(json!({"EvaluationPeriods": null, "DatapointsToAlarm": null})),
            "EvaluationPeriods: missing",
        ),
        (
            put(json!({"EvaluateLowSampleCountPercentile": "skip"})),
            "EvaluateLowSampleCountPercentile: `skip`",
        ),
        (put(json!({"Tags": tags(51)})), "tags: 51"),
        (put(json!({"Tags": [{"Key": "a", "Value": "b;c"}]})), "`b;c`: a character"),
        (cbor("PutMetricAlarm", &but(&alarm, none.clone())), "0 of MetricName, Metrics"),
        (math(json!([stat("a"), stat("a"), returned])), "Id `a` twice"),
        (math(json!([stat("A"), returned])), "Id `A`"),
        (math(json!([stat("a"), returned, {"Id": "f", "Expression": "a"}])), "2 return data"),
        (math(json!([{"Id": "a"}])), "0 of MetricStat, Expression"),
        (math((0..11).map(|n| stat(&format!("a{n}"))).chain([returned]).collect()), "11 metrics"),
        (data(json!([])), "0 datums"),
        (data(vec![datum.clone(); 1_001].into()), "1001 datums"),
        (one(json!({"Timestamp": now() - 15.0 * 86_400.0})), "Timestamp"),
        (one(json!({"Timestamp": now() + 3.0 * 3_600.0})), "Timestamp"),
        (one(json!({"Values": vec![1.0; 151], "Counts": null})), "151 values"),
        (one(json!({"Values": [], "Counts": null})), "0 values"),
        (one(json!({"Counts": [1.0]})), "1 counts of 2 values"),
        (one(json!({"Counts": [1.0, -1.0]})), "a count below 0"),
        (one(json!({"Values": [1.0, "NaN"]})), "not finite"),
        (one(json!({"Values": [1.0, 1e300]})), "not finite"),
        (one(json!({"Value": 1.0})), "2 of Value, Values"),
        (one(json!({"Dimensions": [{"Name": "jobId", "Value": "ü"}]})), "visible ASCII"),
        (one(json!({"StorageResolution": 5})), "StorageResolution 5"),
        (
            cbor("PutMetricData", &json!({"Namespace": "AWS/IoT", "MetricData": [datum]})),
            "AWS's own",
        ),
    ]);
}

#[test]
fn forms() {
    let publish = |more: &str| {
        form(
            "sns",
            &format!(
                "Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A000000000000%3At{more}"
            ),
        )
    };
    let stack = |more: &str| {
        form(
            "cloudformation",
            &format!(
                "Action=CreateStack&Version=2010-05-15&StackName=tripline&TemplateBody=a{more}"
            ),
        )
    };
    each_passes(vec![
        publish(&format!("&Message=a+b&Subject={}", "a".repeat(100))),
        publish(
            "&Message=a&MessageAttributes.entry.1.Name=n&MessageAttributes.entry.1.Value.DataType=String&MessageAttributes.entry.1.Value.StringValue=v",
        ),
        stack(
            "&Capabilities.member.1=CAPABILITY_IAM&Parameters.member.1.ParameterKey=K&Parameters.member.1.ParameterValue=V&Tags=",
        ),
        form("sts", "Action=GetCallerIdentity&Version=2011-06-15"),
    ]);
    each_is_found(vec![
        (publish(""), "Message: missing"),
        (publish("&Message=a&Subjects=b"), "`Subjects`: no such parameter"),
        (publish("&Message=a&Message=b"), "`Message`: given twice"),
        (stack("&Capabilities.member.1=CAPABILITY_ALL"), "Capabilities[0]: `CAPABILITY_ALL`"),
        (
            stack("&Capabilities.member.2=CAPABILITY_IAM"),
            "`Capabilities.member.2`: no such parameter",
        ),
        (stack("&TimeoutInMinutes=soon"), "TimeoutInMinutes: a text (expected integer)"),
        (stack("&TimeoutInMinutes=0"), "TimeoutInMinutes: 0 as its value"),
        (stack("&DisableRollback=maybe"), "DisableRollback: a text (expected boolean)"),
        (stack("&RoleARN=short"), "RoleARN: 5 characters"),
        (form("sns", "Action=Publishes&Version=2010-03-31"), "no such operation"),
        (form("sns", "Action=ListTopics&Version=2011-03-31"), "Version"),
        (
            form("cloudformation", "Action=ValidateTemplate&Version=2010-05-15&TemplateBody="),
            "TemplateBody: 0 characters",
        ),
        // What no model knows.
        (publish(&format!("&Message={}", "a".repeat(262_145))), "Message: 262145 bytes"),
        (publish("&Message=a&PhoneNumber=1"), "2 of TopicArn, TargetArn, PhoneNumber"),
        (
            form(
                "sns",
                &format!(
                    "Action=Publish&Version=2010-03-31&PhoneNumber=1&Message={}",
                    "a".repeat(1_601)
                ),
            ),
            "Message: 1601 bytes",
        ),
        (publish(&format!("&Message=a&Subject={}", "a".repeat(101))), "Subject: 101 characters"),
        (publish("&Message=a&Subject=a%0Ab"), "(expected a line of ASCII)"),
        (publish("&Message=a&Subject=%C3%BC"), "(expected a line of ASCII)"),
        (publish("&Message=a&MessageStructure=json"), "no `default` in JSON"),
        (stack("&TemplateURL=https://a"), "2 of TemplateBody, TemplateURL"),
        (stack(&"a".repeat(51_201)), "TemplateBody: 51202 bytes"),
    ]);
}

#[test]
fn targets_in_json() {
    let update = json!({
        "TableName": "guards", "Key": {"jobId": {"S": "fw-1"}}, "UpdateExpression": "SET #at = :now",
        "ExpressionAttributeNames": {"#at": "at"}, "ExpressionAttributeValues": {":now": {"N": "1"}},
    });
    let put = |changes: Value| target("DynamoDB_20120810.UpdateItem", &but(&update, changes));
    let item = |value: Value| {
        target("DynamoDB_20120810.PutItem", &json!({"TableName": "guards", "Item": {"a": value}}))
    };
    let start = |changes: Value| {
        let machine = "arn:aws:states:us-east-1:000000000000:stateMachine:m";
        target(
            "AWSStepFunctions.StartExecution",
            &but(&json!({"stateMachineArn": machine, "name": "r-1", "input": "{}"}), changes),
        )
    };
    each_passes(vec![
        put(json!({})),
        put(json!({"ConditionExpression": null})),
        item(
            json!({"M": {"a": {"L": [{"S": "b"}, {"BOOL": true}, {"NULL": true}]}, "b": {"B": "AAEC"}}}),
        ),
        start(json!({})),
        target(
            "AmazonSQS.ReceiveMessage",
            &json!({"QueueUrl": "http://q", "MaxNumberOfMessages": 10}),
        ),
    ]);
    each_is_found(vec![
        (put(json!({"TableName": null})), "TableName: missing"),
        (put(json!({"TableName": ""})), "TableName: 0 characters"),
        (put(json!({"Table": "a"})), "`Table`: no such member"),
        (put(json!({"ReturnValues": "SOME"})), "ReturnValues: `SOME`"),
        (put(json!({"Key": []})), "Key: a list (expected map)"),
        (item(json!({"S": 7})), "Item.`a`.S: a whole number (expected string)"),
        (item(json!({"B": "no base64!"})), "Item.`a`.B: a text (expected blob)"),
        (start(json!({"name": "a".repeat(81)})), "name: 81 characters"),
        (target("DynamoDB_20120810.PutItems", &json!({})), "no such operation"),
        (target("DynamoDB_20990101.PutItem", &json!({})), "no service is known by this"),
        (
            made("dynamodb", "POST /", "[").with("x-amz-target", "DynamoDB_20120810.GetItem"),
            "(expected JSON)",
        ),
        (
            target(
                "AmazonSQS.SendMessageBatch",
                &json!({"QueueUrl": "q", "Entries": vec![json!({"Id": "a", "MessageBody": "b"}); 2]}),
            ),
            "an Id twice",
        ),
        // What no model knows.
        (
            put(json!({"ExpressionAttributeNames": {"#at": "at", "#by": "by"}})),
            "`#by` is in no expression",
        ),
        (put(json!({"ConditionExpression": "#at < :then"})), "`:then` is missing"),
        (put(json!({"Key": {"jobId": {"S": ""}}})), "Key: `jobId`: an empty text"),
        (item(json!({"N": "many"})), "N: `many`"),
        (item(json!({"S": "a", "N": "1"})), "2 kinds"),
        (item(json!({"SS": []})), "an empty set"),
        (item(json!({"S": "a".repeat(409_600)})), "Item: 409601 bytes"),
        (
            target(
                "DynamoDB_20120810.TransactWriteItems",
                &json!({"TransactItems": [{"Put": {
                    "TableName": "guards", "Item": {"a": {"S": "b"}}, "ConditionExpression": "attribute_not_exists(#a)",
                }}]}),
            ),
            "`#a` is missing",
        ),
    ]);
}

#[test]
fn rest_in_xml() {
    let delete = |body: &str| made("s3", "POST /bucket?delete", body);
    each_passes(vec![
        made("s3", "PUT /bucket/a/b%20c?x-id=PutObject", [0, 159, 146]).with("x-amz-meta-by", "me"),
        made("s3", "PUT /bucket/key?partNumber=1&uploadId=u", "a"),
        made("s3", "PUT /bucket/key", "").with("x-amz-copy-source", "other/key"),
        made("s3", "GET /bucket/?list-type=2&prefix=a&max-keys=7", ""),
        made("s3", "GET /bucket?versioning", ""),
        made("s3", "HEAD /bucket/key", ""),
        made("s3", "GET /", ""),
        delete(
            "<Delete xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Object><Key>a</Key></Object><Object><Key>b</Key></Object></Delete>",
        ),
    ]);
    each_is_found(vec![
        (
            delete("<Delete><Object><Name>a</Name><Key>a</Key></Object></Delete>"),
            "Delete.Objects[0].`Name`: no such member",
        ),
        (delete("<Delete><Object/></Delete>"), "Delete.Objects[0].Key: missing"),
        (delete("<Delete><Object><Key/></Object></Delete>"), "Key: 0 characters"),
        (
            delete("<Delete><Quiet>very</Quiet><Object><Key>a</Key></Object></Delete>"),
            "Quiet: a text (expected boolean)",
        ),
        (delete("<Delete>"), "(expected XML)"),
        (delete(""), "Delete: missing"),
        (
            made("s3", "PUT /bucket/key?uploads=1&x-id=PutObject", "a"),
            "`uploads`: no such parameter",
        ),
        (made("s3", "PUT /bucket/key", "a").with("x-amz-acl", "all"), "ACL: `all`"),
        (
            made("s3", "GET /bucket?list-type=2&max-keys=many", ""),
            "MaxKeys: a text (expected integer)",
        ),
        (made("s3", "DELETE /", ""), "no such operation"),
        (made("s3", "GET /My_Bucket/key", ""), "Bucket: `My_Bucket`"),
        (made("s3", &format!("GET /bucket/{}", "a".repeat(1_025)), ""), "Key: 1025 bytes"),
        (
            made("s3", "PUT /bucket/key", "a").with("x-amz-meta-a", &"b".repeat(2_048)),
            "Metadata: 2049 bytes",
        ),
    ]);
}

#[test]
fn compressed_bodies_are_read() {
    use std::io::Write;
    let zipped = |body: &str| {
        let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        zip.write_all(body.as_bytes()).unwrap();
        let body = zip.finish().unwrap();
        made("iot", "PUT /jobs/fw-1/cancel", body).with("Content-Encoding", "gzip")
    };
    each_passes(vec![zipped("{}")]);
    each_is_found(vec![
        (zipped(r#"{"reasonCode": "a"}"#), "reasonCode: `a` does not match"),
        (
            made("iot", "PUT /jobs/fw-1/cancel", "{}").with("Content-Encoding", "gzip"),
            "(expected gzip)",
        ),
    ]);
}

#[test]
fn a_request_of_nobody_is_not_aws_s() {
    let unsigned =
        Request { method: "GET", target: "/_ministack/health", headers: &[], body: b"", now: None };
    assert_eq!(faults(&unsigned), Vec::<String>::new());
}
