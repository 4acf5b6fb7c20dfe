use tripline_aws::Failure;

use super::Aws;
use crate::ask::Publish;

impl Publish for Aws {
    async fn publish(
        &self,
        topic: &str,
        subject: Option<&str>,
        message: &str,
    ) -> Result<(), Failure> {
        self.sns
            .publish()
            .topic_arn(topic)
            .set_subject(subject.map(str::to_owned))
            .message(message)
            .send()
            .await
            .map_err(|error| Failure::from_sdk("Publish", &error))?;
        Ok(())
    }
}
