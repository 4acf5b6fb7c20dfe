use tripline_aws::Failure;

use super::Aws;
use crate::ask::People;

impl People for Aws {
    async fn email(&self, subject: &str, text: &str) -> Result<(), Failure> {
        let email = self.sns.publish().topic_arn(&self.settings.email_topic);
        let sent = email.subject(subject).message(text).send().await;
        sent.map(drop).map_err(|error| Failure::from_sdk("Publish", &error))
    }

    async fn sms(&self, text: &str) -> Result<(), Failure> {
        let sms = self.sns.publish().topic_arn(&self.settings.sms_topic).message(text);
        sms.send().await.map(drop).map_err(|error| Failure::from_sdk("Publish", &error))
    }
}
