//! What people get: a queue, subscribed to a topic of the stack as an address or a phone would be.

use std::time::{Duration, Instant};

use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;

use crate::local_aws::LocalAws;
use crate::{Error, Result, call};

/// How long to wait for the stopper's message after the rollout has ended.
const WITHIN: Duration = Duration::from_secs(10);

/// What was published to a topic.
#[derive(Debug)]
pub struct Mailbox {
    sns: aws_sdk_sns::Client,
    sqs: aws_sdk_sqs::Client,
    topic: String,
    url: String,
}

/// One message; a text message has no subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// What an e-mail's subject would be.
    pub subject: String,
    /// The rest.
    pub text: String,
}

impl Email {
    /// CloudWatch's own notification, as opposed to what the stopper writes.
    pub fn is_alarm(&self) -> bool {
        serde_json::from_str::<Value>(&self.text).is_ok_and(|text| text.get("AlarmName").is_some())
    }
}

impl Mailbox {
    /// Anything that is published to the topic from now on ends here. The name is the queue's.
    pub async fn subscribe(aws: &LocalAws, topic: &str, name: &str) -> Result<Self> {
        let config = aws.config();
        let sns = aws_sdk_sns::Client::new(&config);
        let sqs = aws_sdk_sqs::Client::new(&config);
        let queue = sqs.create_queue().queue_name(name).send().await;
        let url = queue.map_err(call("CreateQueue"))?.queue_url;
        let url = url.ok_or_else(|| Error("CreateQueue: the answer has no address".into()))?;
        let attributes = sqs
            .get_queue_attributes()
            .queue_url(&url)
            .attribute_names(QueueAttributeName::QueueArn)
            .send()
            .await
            .map_err(call("GetQueueAttributes"))?
            .attributes
            .unwrap_or_default();
        sns.subscribe()
            .topic_arn(topic)
            .protocol("sqs")
            .set_endpoint(attributes.get(&QueueAttributeName::QueueArn).cloned())
            .send()
            .await
            .map_err(call("Subscribe"))?;
        Ok(Self { sns, sqs, topic: topic.to_owned(), url })
    }

    /// Everything that came, in order, once the stopper's message is there or does not come.
    pub async fn emails(&self) -> Result<Vec<Email>> {
        let start = Instant::now();
        let mut emails = Vec::new();
        while start.elapsed() < WITHIN && !emails.iter().any(|email: &Email| !email.is_alarm()) {
            emails.extend(self.receive().await?);
        }
        Ok(emails)
    }

    /// Everything that was published until now and has not been read: what comes before a mark that
    /// is published last.
    pub async fn so_far(&self) -> Result<Vec<Email>> {
        let mark = format!("mark of {}", self.url);
        let published = self.sns.publish().topic_arn(&self.topic).message(&mark).send().await;
        published.map_err(call("Publish"))?;
        let start = Instant::now();
        let mut emails = Vec::new();
        while start.elapsed() < WITHIN {
            emails.extend(self.receive().await?);
            if emails.iter().any(|email: &Email| email.text == mark) {
                // Other readers of the topic mark it too.
                emails.retain(|email| !email.text.starts_with("mark of "));
                return Ok(emails);
            }
        }
        Err(Error(format!("topic `{}`: what was published did not come", self.topic)))
    }

    async fn receive(&self) -> Result<Vec<Email>> {
        let received = self
            .sqs
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(10)
            .wait_time_seconds(1)
            .send()
            .await
            .map_err(call("ReceiveMessage"))?;
        let mut emails = Vec::new();
        for message in received.messages.unwrap_or_default() {
            let envelope = message.body.and_then(|body| serde_json::from_str::<Value>(&body).ok());
            let field = |name: &str| {
                envelope.as_ref().and_then(|e| e.get(name)?.as_str()).unwrap_or_default().to_owned()
            };
            emails.push(Email { subject: field("Subject"), text: field("Message") });
            self.sqs
                .delete_message()
                .queue_url(&self.url)
                .set_receipt_handle(message.receipt_handle)
                .send()
                .await
                .map_err(call("DeleteMessage"))?;
        }
        Ok(emails)
    }
}
