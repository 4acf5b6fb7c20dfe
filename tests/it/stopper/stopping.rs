//! A true alarm, and nothing goes wrong.

use tripline_tests::faults::Plan;
use tripline_tests::http_aws::HttpAws;
use tripline_tests::lambda_runtime::Ended;

use super::stage::{alarm_event, done, fired, function, mails, recovered, sms_topic};

#[tokio::test]
async fn a_true_alarm_stops_its_rollout_and_people_are_alerted() {
    let stages: [fn(&mut _, &str); 2] = [fired, recovered];
    for stage in stages {
        let aws = HttpAws::default();
        stage(&mut aws.account(), "fw-7");
        let door = aws.door(|_| Plan::none()).await.unwrap();
        let mut environment = function().environment(door).await.unwrap();
        let delivery = environment.deliver(&alarm_event("fw-7")).await.unwrap();
        let entries = aws.ledger().entries();
        assert!(
            matches!(delivery.attempts[..], [Ended::Ok(_)]),
            "{delivery:?} {entries:#?}\n{}",
            environment.log()
        );
        assert_eq!(done(&entries, "CancelJob"), 1);
        let account = aws.account();
        assert!(account.is_canceled("fw-7"));
        let [mail] = &mails(&account)[..] else { panic!("{:?}", account.published) };
        assert!(mail.starts_with("Tripline stopped rollout fw-7") && !mail.contains("unverified"));
        let short = account.published.iter().filter(|message| message.topic == sms_topic());
        assert_eq!(short.count(), 1);
    }
}
