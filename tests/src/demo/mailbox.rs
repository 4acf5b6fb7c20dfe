//! What people get: a queue, subscribed to the stack's e-mail topic as an address would be.

use std::time::{Duration, Instant};

use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;

use crate::local_aws::LocalAws;
use crate::{Result, Trouble, call};

/// How long to wait for the stopper's message after the rollout has ended.
const WITHIN: Duration = Duration::from_secs(10);

pub struct Mailbox {
    sqs: aws_sdk_sqs::Client,
    url: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    pub subject: String,
    pub text: String,
}

impl Letter {
    /// CloudWatch's own notification, as opposed to what the stopper writes.
    pub fn is_alarm(&self) -> bool {
        serde_json::from_str::<Value>(&self.text).is_ok_and(|text| text.get("AlarmName").is_some())
    }
}

impl Mailbox {
    /// Anything that is published to the topic from now on ends here.
    pub async fn subscribe(aws: &LocalAws, topic: &str) -> Result<Self> {
        let sqs = aws_sdk_sqs::Client::new(&aws.config());
        let queue = sqs.create_queue().queue_name("demo-mailbox").send().await;
        let url = queue.map_err(call("CreateQueue"))?.queue_url;
        let url = url.ok_or_else(|| Trouble("CreateQueue: the answer has no address".into()))?;
        let attributes = sqs
            .get_queue_attributes()
            .queue_url(&url)
            .attribute_names(QueueAttributeName::QueueArn)
            .send()
            .await
            .map_err(call("GetQueueAttributes"))?
            .attributes
            .unwrap_or_default();
        aws_sdk_sns::Client::new(&aws.config())
            .subscribe()
            .topic_arn(topic)
            .protocol("sqs")
            .set_endpoint(attributes.get(&QueueAttributeName::QueueArn).cloned())
            .send()
            .await
            .map_err(call("Subscribe"))?;
        Ok(Self { sqs, url })
    }

    /// Everything that came, in order, once the stopper's message is there or does not come.
    pub async fn letters(&self) -> Result<Vec<Letter>> {
        let start = Instant::now();
        let mut letters = Vec::new();
        while start.elapsed() < WITHIN && !letters.iter().any(|letter: &Letter| !letter.is_alarm())
        {
            letters.extend(self.receive().await?);
        }
        Ok(letters)
    }

    async fn receive(&self) -> Result<Vec<Letter>> {
        let received = self
            .sqs
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(10)
            .wait_time_seconds(1)
            .send()
            .await
            .map_err(call("ReceiveMessage"))?;
        let mut letters = Vec::new();
        for message in received.messages.unwrap_or_default() {
            let envelope = message.body.and_then(|body| serde_json::from_str::<Value>(&body).ok());
            let field = |name: &str| {
                envelope.as_ref().and_then(|e| e.get(name)?.as_str()).unwrap_or_default().to_owned()
            };
            letters.push(Letter { subject: field("Subject"), text: field("Message") });
            self.sqs
                .delete_message()
                .queue_url(&self.url)
                .set_receipt_handle(message.receipt_handle)
                .send()
                .await
                .map_err(call("DeleteMessage"))?;
        }
        Ok(letters)
    }
}
