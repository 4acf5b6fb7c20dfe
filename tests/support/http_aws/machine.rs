//! Step Functions: executions that run, and the tokens that they wait with.

use serde_json::{Value, json};

use super::account::{Account, Answer};
use super::now;

/// What became of a token that an execution waits with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// It is waited with.
    Waiting,
    /// The execution goes on.
    Succeeded,
    /// It fails with this error and cause.
    Failed(String, String),
}

impl Account {
    pub(super) fn machine(&mut self, operation: &str, asked: &Value) -> Answer {
        let text = |key: &str| asked[key].as_str().unwrap_or_default().to_owned();
        if operation == "ListExecutions" {
            let executions = self.running.iter().map(|name| {
                json!({
                    "name": name, "status": "RUNNING", "startDate": now(),
                    "executionArn": format!("{}:{name}", text("stateMachineArn")),
                    "stateMachineArn": asked["stateMachineArn"],
                })
            });
            return Ok(json!({"executions": executions.collect::<Vec<_>>()}));
        }
        let token = self.tokens.get_mut(&text("taskToken"));
        let Some(token) = token.filter(|token| **token == Token::Waiting) else {
            return Err((400, "TaskTimedOut", "nobody waits with it".to_owned()));
        };
        match operation {
            "SendTaskHeartbeat" => {}
            "SendTaskSuccess" => *token = Token::Succeeded,
            "SendTaskFailure" => *token = Token::Failed(text("error"), text("cause")),
            other => return Err((400, "UnknownOperationException", other.to_owned())),
        }
        Ok(json!({}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_answered_once() {
        let mut account = Account::default();
        account.tokens.insert("t".to_owned(), Token::Waiting);
        let with = |token: &str| json!({"taskToken": token, "error": "E", "cause": "why"});
        account.machine("SendTaskHeartbeat", &with("t")).unwrap();
        account.machine("SendTaskFailure", &with("t")).unwrap();
        assert_eq!(account.tokens["t"], Token::Failed("E".to_owned(), "why".to_owned()));
        assert!(account.machine("SendTaskSuccess", &with("t")).is_err());
        assert!(account.machine("SendTaskHeartbeat", &with("other")).is_err());
    }
}
