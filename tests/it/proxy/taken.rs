//! What AWS would refuse fails the test in which a program sends it, though the local AWS takes it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use aws_sdk_iot::types::Tag;
use tripline_tests::local_aws::LocalAws;
use tripline_tests::proxy::Proxy;

/// A thing's name may have a colon and no space; of tags there may be 50.
async fn send_what_aws_refuses(proxy: &Proxy) {
    let iot = aws_sdk_iot::Client::new(&proxy.config());
    iot.create_thing().thing_name("a pump").send().await.ok();
    let tag = |n: u8| Tag::builder().key(format!("k{n}")).value("v").build().unwrap();
    let group = iot.create_thing_group().thing_group_name("all");
    group.set_tags(Some((0..51).map(tag).collect())).send().await.ok();
}

#[tokio::test]
async fn a_request_that_aws_would_refuse_is_found() {
    let aws = LocalAws::start().await.unwrap();
    let proxy = Proxy::start(&aws).unwrap();
    send_what_aws_refuses(&proxy).await;
    let violations = proxy.take_violations();
    let [thing, group] = violations.as_slice() else { panic!("{violations:#?}") };
    assert!(
        thing.starts_with("of a program: iot CreateThing: thingName: `a pump` does not match"),
        "{thing}"
    );
    assert_eq!(group, "of a program: iot CreateThingGroup: tags: 51 (expected at most 50)");
}

#[tokio::test]
async fn a_request_that_aws_would_refuse_fails_the_test() {
    let aws = LocalAws::start().await.unwrap();
    let proxy = Proxy::start(&aws).unwrap();
    send_what_aws_refuses(&proxy).await;
    assert!(catch_unwind(AssertUnwindSafe(|| drop(proxy))).is_err());
}
