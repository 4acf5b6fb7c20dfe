//! The stand-in for AWS IoT streams, by the AWS SDK.

use aws_sdk_iot::Client;
use aws_sdk_iot::error::ProvideErrorMetadata;
use aws_sdk_iot::operation::create_stream::builders::CreateStreamFluentBuilder;
use aws_sdk_iot::types::{S3Location, StreamFile, Tag};
use tripline_tests::local_aws::LocalAws;
use tripline_tests::proxy::Proxy;

const ROLE: &str = "arn:aws:iam::000000000000:role/streams";

fn file(id: i32, key: &str) -> StreamFile {
    let place = S3Location::builder().bucket("firmware").key(key).version("v1").build();
    StreamFile::builder().file_id(id).s3_location(place).build()
}

fn create(iot: &Client, id: &str) -> CreateStreamFluentBuilder {
    iot.create_stream().stream_id(id).files(file(0, "fw.bin")).role_arn(ROLE)
}

async fn proxy() -> (LocalAws, Proxy, Client) {
    let aws = LocalAws::start().await.unwrap();
    let proxy = Proxy::start(&aws).unwrap();
    let iot = Client::new(&proxy.config());
    (aws, proxy, iot)
}

#[tokio::test]
async fn a_stream_is_made_changed_and_deleted() {
    let (_aws, proxy, iot) = proxy().await;
    let tag = Tag::builder().key("tripline:release").value("1.3.0").build().unwrap();
    let made = create(&iot, "fw-1_3").description("1.3").tags(tag.clone()).send().await.unwrap();
    let arn = "arn:aws:iot:us-east-1:000000000000:stream/fw-1_3";
    assert_eq!((made.stream_arn(), made.stream_id()), (Some(arn), Some("fw-1_3")));
    assert_eq!((made.stream_version(), made.description()), (Some(1), Some("1.3")));

    let described = iot.describe_stream().stream_id("fw-1_3").send().await.unwrap();
    let info = described.stream_info().unwrap();
    assert_eq!((info.stream_arn(), info.stream_version()), (Some(arn), Some(1)));
    assert_eq!((info.role_arn(), info.files()), (Some(ROLE), &[file(0, "fw.bin")][..]));
    assert!(info.created_at().is_some() && info.created_at() == info.last_updated_at());

    let update = iot.update_stream().stream_id("fw-1_3").files(file(255, "fw2.bin"));
    assert_eq!(update.send().await.unwrap().stream_version(), Some(2));
    let described = iot.describe_stream().stream_id("fw-1_3").send().await.unwrap();
    let info = described.stream_info().unwrap();
    assert_eq!(info.files(), [file(255, "fw2.bin")]);
    assert_eq!((info.role_arn(), info.description()), (Some(ROLE), Some("1.3")));

    let tags = iot.list_tags_for_resource().resource_arn(arn).send().await.unwrap();
    assert_eq!(tags.tags(), std::slice::from_ref(&tag));
    let tag_as = |key: &str, value: &str| Tag::builder().key(key).value(value).build().unwrap();
    for (key, value) in [("team", "pumps"), ("team", "valves")] {
        let set = iot.tag_resource().resource_arn(arn).tags(tag_as(key, value));
        set.send().await.unwrap();
    }
    let tags = iot.list_tags_for_resource().resource_arn(arn).send().await.unwrap();
    assert_eq!(tags.tags(), [tag.clone(), tag_as("team", "valves")]);

    iot.delete_stream().stream_id("fw-1_3").send().await.unwrap();
    let error = iot.describe_stream().stream_id("fw-1_3").send().await.unwrap_err();
    assert!(error.into_service_error().is_resource_not_found_exception());
    let error = iot.delete_stream().stream_id("fw-1_3").send().await.unwrap_err();
    assert!(error.into_service_error().is_resource_not_found_exception());
    let error = iot.update_stream().stream_id("fw-1_3").description("a").send().await.unwrap_err();
    assert!(error.into_service_error().is_resource_not_found_exception());
    let error = iot.list_tags_for_resource().resource_arn(arn).send().await.unwrap_err();
    assert!(error.into_service_error().is_resource_not_found_exception());
    let error = iot.tag_resource().resource_arn(arn).tags(tag).send().await.unwrap_err();
    assert!(error.into_service_error().is_resource_not_found_exception());

    let counted = proxy.calls();
    let first = &counted[0];
    assert_eq!((first.operation.as_str(), first.write), ("POST /streams/fw-1_3", true));
    assert_eq!(first.status, Some(200));
}

#[tokio::test]
async fn a_stream_is_made_once() {
    let (_aws, _front, iot) = proxy().await;
    create(&iot, "fw").send().await.unwrap();
    let error = create(&iot, "fw").send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 409);
    assert!(error.into_service_error().is_resource_already_exists_exception());
}

#[tokio::test]
async fn what_aws_does_not_accept_is_refused() {
    let (_aws, proxy, iot) = proxy().await;
    let bare = |id: &str| iot.create_stream().stream_id(id);
    let many = |count: usize| Some(vec![file(1, "a"); count]);
    let nowhere = StreamFile::builder().file_id(1).build();
    let no_key = S3Location::builder().bucket("b").build();
    let no_key = StreamFile::builder().file_id(1).s3_location(no_key).build();
    let refused = [
        create(&iot, "a b"),
        create(&iot, "a/b"),
        create(&iot, &"a".repeat(129)),
        bare("no-files").set_files(many(0)).role_arn(ROLE),
        bare("files").set_files(many(51)).role_arn(ROLE),
        bare("file-id").files(file(256, "a")).role_arn(ROLE),
        bare("file-id").files(file(-1, "a")).role_arn(ROLE),
        bare("nowhere").files(nowhere).role_arn(ROLE),
        bare("no-key").files(no_key).role_arn(ROLE),
        create(&iot, "role").role_arn("arn:aws:iam::0:role"),
        create(&iot, "role").role_arn("a".repeat(2049)),
        create(&iot, "description").description("a".repeat(2029)),
        create(&iot, "description").description("a\nb"),
    ];
    for request in refused {
        let what = format!("{:?}", request.as_input());
        let error = request.send().await.expect_err(&what);
        assert_eq!(error.code(), Some("InvalidRequestException"), "{what}");
        assert_eq!(error.raw_response().unwrap().status().as_u16(), 400, "{what}");
    }
    // Only the documentation says that an object has a bucket and a key.
    assert_eq!(proxy.take_violations().len(), 11);
    let accepted = [
        create(&iot, &"a".repeat(128)),
        bare("files").set_files(many(50)).role_arn(ROLE),
        create(&iot, "role").role_arn("a".repeat(20)),
        create(&iot, "long-role").role_arn("a".repeat(2048)),
        create(&iot, "description").description("ä".repeat(2028)),
    ];
    for request in accepted {
        request.send().await.unwrap();
    }
    assert_eq!(iot.list_streams().send().await.unwrap().streams().len(), 5);
}

#[tokio::test]
async fn streams_are_listed_page_by_page() {
    let (_aws, proxy, iot) = proxy().await;
    let mut ids: Vec<String> = (0..60).map(|number| format!("fw-{number:02}")).collect();
    for id in &ids {
        create(&iot, id).send().await.unwrap();
    }
    for ascending in [false, true] {
        ids.reverse(); // the last one first, then the first one
        let (mut listed, mut sizes, mut token) = (Vec::new(), Vec::new(), None);
        loop {
            let list = iot.list_streams().set_next_token(token).ascending_order(ascending);
            let page = list.send().await.unwrap();
            sizes.push(page.streams().len());
            listed.extend(page.streams().iter().map(|s| s.stream_id().unwrap().to_owned()));
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        assert_eq!((&listed, sizes.as_slice()), (&ids, &[25, 25, 10][..]));
    }
    let page = iot.list_streams().max_results(60).send().await.unwrap();
    assert_eq!((page.streams().len(), page.next_token()), (60, None));
    for size in [0, 251] {
        let error = iot.list_streams().max_results(size).send().await.unwrap_err();
        assert_eq!(error.code(), Some("InvalidRequestException"));
    }
    assert_eq!(proxy.take_violations().len(), 2);
}

/// Only AWS IoT's own calls are answered: a bucket may be called `streams`.
#[tokio::test]
async fn streams_and_a_bucket_of_that_name_do_not_meet() {
    let (_aws, proxy, iot) = proxy().await;
    let s3 = proxy.s3();
    s3.create_bucket().bucket("streams").send().await.unwrap();
    assert_eq!(s3.list_buckets().send().await.unwrap().buckets().len(), 1);
    assert_eq!(iot.list_streams().send().await.unwrap().streams().len(), 0);
}

/// If this fails, the local AWS has learned streams, and the stand-in is to be compared with it.
#[tokio::test]
async fn the_local_aws_has_none() {
    let aws = LocalAws::start().await.unwrap();
    let iot = Client::new(&aws.config());
    create(&iot, "fw").send().await.unwrap_err();
}
