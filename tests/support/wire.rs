//! Services of the local AWS that the workspace needs no client for, asked in plain HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::local_aws::{LocalAws, REGION};
use crate::{Error, Result, at};

/// A function may take this long.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What a function answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It returned this.
    Returned(Value),
    /// It failed with this: `errorType`, `errorMessage`.
    Failed(Value),
}

impl LocalAws {
    /// Invokes a function and waits for its answer.
    pub fn invoke(&self, function: &str, event: &Value) -> Result<Answer> {
        let path = format!("POST /2015-03-31/functions/{function}/invocations");
        let (head, body) = self.ask("lambda", &path, &[], &event.to_string())?;
        let answer = json_of(&body)?;
        let failed = head.to_ascii_lowercase().contains("x-amz-function-error");
        Ok(if failed { Answer::Failed(answer) } else { Answer::Returned(answer) })
    }

    /// Has a function invoked as SNS and AWS IoT rules invoke it on AWS: tried again if it fails,
    /// and handed to its failure destination in the end. (Their own deliveries on the local AWS try
    /// once and forget.)
    pub fn invoke_asynchronously(&self, function: &str, event: &Value) -> Result<()> {
        let path = format!("POST /2015-03-31/functions/{function}/invocations");
        let header = [("X-Amz-Invocation-Type", "Event")];
        self.ask("lambda", &path, &header, &event.to_string()).map(drop)
    }

    /// What a service of AWS answers to a `GET`, in JSON.
    pub fn get(&self, service: &str, path: &str) -> Result<Value> {
        json_of(&self.ask(service, &format!("GET {path}"), &[], "")?.1)
    }

    /// What a service of AWS answers to a request in JSON, by its target.
    pub fn post(&self, service: &str, target: &str, request: &Value) -> Result<Value> {
        let headers = [("X-Amz-Target", target), ("Content-Type", "application/x-amz-json-1.1")];
        json_of(&self.ask(service, "POST /", &headers, &request.to_string())?.1)
    }

    /// A request in REST: method and path, and what is sent.
    pub fn rest(&self, service: &str, line: &str, body: &Value) -> Result<Value> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        json_of(&self.ask(service, line, &[("Content-Type", "application/json")], &body)?.1)
    }

    /// What a service of AWS that speaks XML answers.
    pub fn query(&self, service: &str, query: &str) -> Result<String> {
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        Ok(self.ask(service, "POST /", &headers, query)?.1)
    }

    /// The lines of a log group.
    pub fn log_of(&self, group: &str) -> Result<Vec<String>> {
        let mut request = json!({"logGroupName": group});
        let mut lines = Vec::new();
        loop {
            let page = self.post("logs", "Logs_20140328.FilterLogEvents", &request)?;
            let events = page.get("events").and_then(Value::as_array).into_iter().flatten();
            lines.extend(events.filter_map(|e| Some(e.get("message")?.as_str()?.to_owned())));
            match page.get("nextToken").and_then(Value::as_str) {
                Some(next) => request = json!({"logGroupName": group, "nextToken": next}),
                None => return Ok(lines),
            }
        }
    }

    /// Sends a request; returns the head and the body of a good answer.
    fn ask(
        &self,
        service: &str,
        line: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<(String, String)> {
        let mut request = format!(
            "{line} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {}\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/aws4_request\r\n",
            body.len()
        );
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += "\r\n";
        request += body;
        let exchange = || {
            let mut stream = TcpStream::connect(self.address())?;
            stream.set_read_timeout(Some(TIMEOUT))?;
            stream.write_all(request.as_bytes())?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        let answer = exchange().map_err(at(format!("{service}: {line}")))?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        // `HTTP/1.1 200 OK`
        if head.split(' ').nth(1).is_some_and(|status| status.starts_with('2')) {
            return Ok((head.to_owned(), body.to_owned()));
        }
        Err(Error(format!("{service}: {line}: {answer}")))
    }
}

/// A function that returns nothing has no body.
fn json_of(body: &str) -> Result<Value> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(body).map_err(|error| Error(format!("{body}: {error}")))
}
