//! What a command says of AWS's refusals: where it asked, of what, and what to do, in words and as commands.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use serde_json::{Value, json};

use crate::command;
use crate::runner::{Ran, run};

const IDENTITY: &str = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/ann</Arn><UserId>AIDA</UserId><Account>111122223333</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>";

/// The first line of a request, and an answer: status, code of an error, body.
type Answer = fn(&str) -> (u16, &'static str, &'static str);

/// An AWS that knows who asks, and answers everything else in one way.
fn aws_that_answers(answer: Answer) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // It ends with the test's process.
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || serve(stream.unwrap(), answer));
        }
    });
    format!("http://{address}")
}

/// One request a connection; a client that has gone is no fault.
fn serve(stream: TcpStream, answer: Answer) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        length = line.strip_prefix("content-length: ").map_or(length, |it| it.parse().unwrap());
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let asks_who = String::from_utf8_lossy(&body).contains("Action=GetCallerIdentity");
    let (status, code, body) = if asks_who { (200, "", IDENTITY) } else { answer(first.trim()) };
    let code =
        if code.is_empty() { String::new() } else { format!("x-amzn-errortype: {code}\r\n") };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} -\r\n{code}content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    reader.get_mut().write_all(format!("{head}{body}").as_bytes()).ok()
}

/// Runs a command in a folder with a release.
fn tripline(arguments: &[&str], answer: Answer) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("fw.bin", "firmware");
    write("things.txt", "arn:aws:iot:us-east-1:111122223333:thing/a\n");
    let alarms = include_str!("../../../../tests/support/slow.ini");
    write(
        "dev.ini",
        &format!(
            "[DEFAULT]\nthingList = things.txt\nbinName = fw.bin\nroleArn = arn:aws:iam::111122223333:role/ota\njobId = fw\nbucket = pump-firmware\nregion = us-east-1\nstreamId = fw-stream\n\n{alarms}"
        ),
    );
    let endpoint = aws_that_answers(answer);
    run(command(folder.path()).args(arguments).envs([
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ]))
}

fn error(ran: &Ran) -> Value {
    let error = ran.json()["error"].clone();
    assert_eq!(error["exitCode"], ran.code, "{ran:?}");
    error
}

const PLACE: &str = "\n  in account 111122223333, Region us-east-1, as arn:aws:iam::111122223333:user/ann\n  hint: ";

#[test]
fn a_bucket_of_another_account_is_said_with_who_asked_where() {
    let denied: Answer = |_| (403, "", "");
    let ran = tripline(&["deploy", "--output", "json"], denied);
    assert!(
        ran.stderr.contains(&format!(
            "error: HeadBucket: bucket `pump-firmware`: access denied (HTTP 403){PLACE}it may belong to another account"
        )),
        "{ran}"
    );
    let error = error(&ran);
    assert_eq!(
        [&error["kind"], &error["operation"], &error["account"], &error["region"]],
        ["denied", "HeadBucket", "111122223333", "us-east-1"],
        "{error}"
    );
    assert_eq!(error["diagnostics"][0]["commands"], json!(["aws sts get-caller-identity"]));
}

#[test]
fn a_change_that_is_denied_is_said_with_who_asked_where() {
    const NO: &str = "{\"message\": \"User: arn:aws:iam::111122223333:user/ann is not authorized to perform: iot:CancelJob on resource: arn:aws:iot:us-east-1:111122223333:job/fw\"}";
    let denied: Answer = |request| match request {
        _ if request.starts_with("GET /jobs/fw ") => {
            (200, "", "{\"job\": {\"jobId\": \"fw\", \"status\": \"IN_PROGRESS\"}}")
        }
        _ => (403, "AccessDeniedException", NO),
    };
    let ran = tripline(&["stop", "--job-id", "fw", "--output", "json"], denied);
    assert!(
        ran.stderr.contains(&format!(
            "error: CancelJob: AccessDeniedException: User: arn:aws:iam::111122223333:user/ann is not authorized to perform: iot:CancelJob on resource: arn:aws:iot:us-east-1:111122223333:job/fw{PLACE}have this identity allowed the action"
        )),
        "{ran}"
    );
    let error = error(&ran);
    assert_eq!(
        [&error["kind"], &error["operation"], &error["code"], &error["account"], &error["region"]],
        ["denied", "CancelJob", "AccessDeniedException", "111122223333", "us-east-1"],
        "{error}"
    );
    assert_eq!(error["diagnostics"][0]["commands"], json!(["aws sts get-caller-identity"]));
}

#[test]
fn a_command_that_a_hint_names_is_data() {
    let expired: Answer = |_| (403, "ExpiredTokenException", "{\"message\": \"expired\"}");
    let not_deployed: Answer = |request| match request {
        _ if request.starts_with("GET /jobs/fw ") => (
            200,
            "",
            "{\"job\": {\"jobId\": \"fw\", \"status\": \"COMPLETED\", \"jobArn\": \"arn:aws:iot:us-east-1:111122223333:job/fw\"}}",
        ),
        _ => (200, "", "{\"tags\": []}"),
    };
    for (arguments, answer, wanted) in [
        (&["stop", "--job-id", "fw"][..], expired, "aws sso login"),
        (&["cleanup", "--job-id", "fw"], not_deployed, "aws iot delete-job --job-id fw"),
    ] {
        let ran = tripline(&[arguments, &["--output", "json"]].concat(), answer);
        assert_eq!(error(&ran)["diagnostics"][0]["commands"], json!([wanted]), "{ran}");
        let shown = ran.stderr.matches(wanted).count();
        assert!(shown == 1 && ran.stderr.contains(&format!("`{wanted}`")), "{ran}");
    }
}
