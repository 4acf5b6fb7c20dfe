//! The proxy knows which function calls, and what its role allows.

use serde_json::json;
use tripline_tests::proxy::Proxy;
use tripline_tests::stack::Stack;

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_not_in_the_role_of_its_function_is_found() {
    let (aws, proxy) = Proxy::start_with_functions().await.unwrap();
    let stack = Stack::create(&aws, "tripline", &[]).await.unwrap();
    let schedule = stack.output("GuardKeeperScheduleArn").unwrap();
    let off = json!({"Name": schedule.rsplit('/').next()});
    aws.post("events", "AWSEvents.DisableRule", &off).unwrap();
    // All of the role but the right to see jobs.
    let iam = aws_sdk_iam::Client::new(&aws.config());
    let role = stack.output("GuardKeeperRoleArn").unwrap();
    let role = role.rsplit('/').next().unwrap();
    let less = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":"iot:ListJobs","Resource":"*"}]}"#;
    let put = iam.put_role_policy().role_name(role).policy_name("guard-keeper");
    put.policy_document(less).send().await.unwrap();

    // The schedule may have come first, on a slow machine.
    proxy.forget_functions();

    // A test's own call is nobody's.
    aws_sdk_iot::Client::new(&proxy.config()).list_jobs().send().await.unwrap();
    assert_eq!(proxy.asked_by_functions(), [].into());
    stack.keep(&aws).await.unwrap();
    let asked = proxy.asked_by_functions();
    assert!(asked.iter().all(|(function, _)| function.contains("GuardKeeper")), "{asked:?}");
    assert!(asked.iter().any(|(_, right)| right.action == "cloudwatch:PutMetricData"), "{asked:?}");
    let violations = proxy.take_violations();
    let [one] = violations.as_slice() else { panic!("{violations:#?}") };
    assert!(one.ends_with("does not allow iot:ListJobs on *"), "{one}");
}
