//! Calls go through as they are, are counted, and can be refused.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatch::types::{MetricDatum, Statistic};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use tripline_tests::local_aws::LocalAws;
use tripline_tests::proxy::{Call, Proxy};

/// 3 MB in which every part differs from every other.
fn firmware() -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..3_000_000).map(|_| next()).collect()
}

fn names(calls: &[Call]) -> Vec<(&str, &str, bool, Option<u16>)> {
    let calls = calls.iter();
    calls.map(|c| (c.service.as_str(), c.operation.as_str(), c.write, c.status)).collect()
}

#[tokio::test]
async fn three_megabytes_go_up_and_come_down() {
    let aws = LocalAws::start().await.unwrap();
    let proxy = Proxy::start(&aws).unwrap();
    let s3 = proxy.s3();
    s3.create_bucket().bucket("firmware").send().await.unwrap();
    let sent = firmware();
    let key = "a folder/fw+1.bin";
    let put = s3.put_object().bucket("firmware").key(key).body(ByteStream::from(sent.clone()));
    put.send().await.unwrap();

    let head = s3.head_object().bucket("firmware").key(key).send().await.unwrap();
    assert_eq!(head.content_length(), Some(3_000_000));
    let got = s3.get_object().bucket("firmware").key(key).send().await.unwrap();
    assert!(got.body.collect().await.unwrap().to_vec() == sent);

    // What is there is the file, and not the parts it was sent in.
    let config = aws_sdk_s3::config::Builder::from(&aws.config()).force_path_style(true);
    let beside = aws_sdk_s3::Client::from_conf(config.build());
    let got = beside.get_object().bucket("firmware").key(key).send().await.unwrap();
    assert!(got.body.collect().await.unwrap().to_vec() == sent);
    assert_eq!(
        names(&proxy.calls()),
        [
            ("s3", "PUT /firmware/", true, Some(200)),
            ("s3", "PUT /firmware/a%20folder/fw%2B1.bin", true, Some(200)),
            ("s3", "HEAD /firmware/a%20folder/fw%2B1.bin", false, Some(200)),
            ("s3", "GET /firmware/a%20folder/fw%2B1.bin", false, Some(200)),
        ]
    );
}

#[tokio::test]
async fn all_protocols_go_through_and_are_counted() {
    let aws = LocalAws::start().await.unwrap();
    let proxy = Proxy::start(&aws).unwrap();
    let config = proxy.config();

    let cloudwatch = aws_sdk_cloudwatch::Client::new(&config);
    let now = SystemTime::now();
    let datum = MetricDatum::builder().metric_name("downloadTime").value(7.0).timestamp(now.into());
    let put = cloudwatch.put_metric_data().namespace("Proxy").metric_data(datum.build());
    put.send().await.unwrap();
    let hour = Duration::from_secs(3600);
    let read = cloudwatch
        .get_metric_statistics()
        .namespace("Proxy")
        .metric_name("downloadTime")
        .start_time((now - hour).into())
        .end_time((now + hour).into())
        .period(60)
        .statistics(Statistic::Sum);
    let sums = read.send().await.unwrap().datapoints.unwrap();
    assert_eq!(sums.iter().filter_map(|point| point.sum).collect::<Vec<_>>(), [7.0]);

    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash);
    let kind =
        AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S);
    let create = dynamodb
        .create_table()
        .table_name("queue")
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key.build().unwrap())
        .attribute_definitions(kind.build().unwrap());
    create.send().await.unwrap();
    let id = AttributeValue::S("größer / 1".into());
    dynamodb.put_item().table_name("queue").item("id", id.clone()).send().await.unwrap();
    let got = dynamodb.get_item().table_name("queue").key("id", id.clone()).send().await.unwrap();
    assert_eq!(got.item.unwrap()["id"], id);

    let sns = aws_sdk_sns::Client::new(&config);
    sns.create_topic().name("people").send().await.unwrap();
    let iot = aws_sdk_iot::Client::new(&config);
    let error = iot.describe_job().job_id("no-such").send().await.unwrap_err();
    assert!(error.into_service_error().is_resource_not_found_exception());

    let calls = proxy.calls();
    assert_eq!(
        names(&calls),
        [
            ("monitoring", "PutMetricData", true, Some(200)),
            ("monitoring", "GetMetricStatistics", false, Some(200)),
            ("dynamodb", "CreateTable", true, Some(200)),
            ("dynamodb", "PutItem", true, Some(200)),
            ("dynamodb", "GetItem", false, Some(200)),
            ("sns", "CreateTopic", true, Some(200)),
            ("iot", "GET /jobs/no-such", false, Some(404)),
        ]
    );
    assert!(calls.is_sorted_by_key(|call| call.at));
    proxy.clear();
    assert_eq!(proxy.calls(), []);
}

/// Only what is between two neighbors differs; both connections stay open.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_through_the_proxy_is_the_one_without_it() {
    let aws = LocalAws::start().await.unwrap();
    let proxy = Proxy::start(&aws).unwrap();
    let s3 = proxy.s3();
    s3.create_bucket().bucket("bytes").send().await.unwrap();
    let ask = |endpoint: &str| {
        let mut stream = TcpStream::connect(endpoint.strip_prefix("http://").unwrap()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut answers = Vec::new();
        for path in ["/bytes/a%2Fb?x=%20+&y", "/bytes?list-type=2&prefix=%C3%A4"] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = Vec::new();
            let head_end = loop {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                answer.push(byte[0]);
                if answer.ends_with(b"\r\n\r\n") {
                    break answer.len();
                }
            };
            let head = String::from_utf8(answer.clone()).unwrap().to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            answer.resize(head_end + length.expect("a length").parse::<usize>().unwrap(), 0);
            stream.read_exact(&mut answer[head_end..]).unwrap();
            let text = String::from_utf8(answer).unwrap();
            let differs = |line: &&str| {
                let line = line.to_lowercase();
                !["date", "x-amz", "<?xml"].iter().any(|start| line.starts_with(start))
            };
            let body = text.find("\r\n\r\n").unwrap();
            let lines: Vec<&str> = text[..body].lines().filter(differs).collect();
            let listed = text[body..].contains("<Prefix>ä</Prefix>");
            answers.push((lines.join("\n"), listed));
        }
        answers
    };
    let through = ask(proxy.endpoint());
    assert_eq!(through, ask(aws.endpoint()));
    assert!(through[0].0.contains("404") && through[1].1, "{through:?}");
    let calls = proxy.calls();
    assert_eq!(calls[1].path, "/bytes/a%2Fb?x=%20+&y");
}

#[tokio::test]
async fn a_refusal_has_the_shape_that_the_client_reads() {
    let aws = LocalAws::start().await.unwrap();
    let proxy = Proxy::start(&aws).unwrap();
    let config = proxy.config();
    let refuse = |operation: &'static str, status, code| {
        proxy.fail_next(move |call| call.operation == operation, status, code, 1);
    };
    refuse("GET /jobs/r", 403, "UnauthorizedException");
    refuse("PutItem", 400, "ConditionalCheckFailedException");
    refuse("DescribeAlarms", 400, "ValidationError");
    refuse("Publish", 403, "AuthorizationError");
    refuse("HEAD /bucket/", 403, "AccessDenied");
    refuse("GET /bucket/k", 403, "AccessDenied");

    let iot = aws_sdk_iot::Client::new(&config);
    let error = iot.describe_job().job_id("r").send().await.unwrap_err();
    assert_eq!(error.code(), Some("UnauthorizedException"));
    assert_eq!(error.message(), Some("refused by the proxy"));
    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    let item = AttributeValue::S("a".into());
    let error = dynamodb.put_item().table_name("t").item("id", item).send().await.unwrap_err();
    assert!(error.into_service_error().is_conditional_check_failed_exception());
    let cloudwatch = aws_sdk_cloudwatch::Client::new(&config);
    let error = cloudwatch.describe_alarms().send().await.unwrap_err();
    assert_eq!(error.code(), Some("ValidationError"));
    assert_eq!(error.message(), Some("refused by the proxy"));
    let sns = aws_sdk_sns::Client::new(&config);
    let error = sns.publish().topic_arn("arn:aws:sns:t").message("m").send().await.unwrap_err();
    assert_eq!(error.code(), Some("AuthorizationError"));
    let s3 = proxy.s3();
    let error = s3.get_object().bucket("bucket").key("k").send().await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDenied"));
}

#[tokio::test]
async fn what_is_refused_is_not_carried_out_and_then_works_again() {
    let aws = LocalAws::start().await.unwrap();
    let proxy = Proxy::start(&aws).unwrap();
    proxy.fail_next(|call| call.write && call.service == "sns", 503, "ServiceUnavailable", 2);
    let sns = aws_sdk_sns::Client::new(&proxy.config());
    let one_try = aws_sdk_sns::config::Builder::from(&proxy.config())
        .retry_config(aws_sdk_sns::config::retry::RetryConfig::disabled());
    let one_try = aws_sdk_sns::Client::from_conf(one_try.build());

    one_try.create_topic().name("people").send().await.unwrap_err();
    assert_eq!(sns.list_topics().send().await.unwrap().topics().len(), 0);
    // The SDK tries again by itself.
    sns.create_topic().name("people").send().await.unwrap();
    assert_eq!(sns.list_topics().send().await.unwrap().topics().len(), 1);
    let statuses: Vec<Option<u16>> = proxy.calls().iter().map(|call| call.status).collect();
    assert_eq!(statuses, [Some(503), Some(200), Some(503), Some(200), Some(200)]);
}

#[tokio::test]
async fn it_is_gone_when_dropped() {
    let aws = LocalAws::start().await.unwrap();
    let proxy = Proxy::start(&aws).unwrap();
    let address = proxy.endpoint().strip_prefix("http://").unwrap().to_owned();
    assert!(TcpStream::connect(&address).is_ok());
    drop(proxy);
    assert!(TcpStream::connect(&address).is_err());
}
