use tripline_aws::Failure;

use super::Aws;
use crate::ask::Alert;

impl Alert for Aws {
    async fn alert(&self, subject: &str, body: &str) -> Result<(), Failure> {
        self.sns
            .get_or_init(|| aws_sdk_sns::Client::new(&self.config))
            .publish()
            .topic_arn(&self.settings.email_topic)
            .subject(subject)
            .message(body)
            .send()
            .await
            .map(drop)
            .map_err(|error| Failure::from_sdk("Publish", &error))
    }
}
