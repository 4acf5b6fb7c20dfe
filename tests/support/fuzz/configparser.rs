//! Python's `configparser`, which reads a `dev.ini` for the old tool: one child a thread.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Values by section and key; `None` for one that cannot be interpolated.
pub(super) type Values = BTreeMap<String, BTreeMap<String, Option<String>>>;

thread_local! {
    static PYTHON: RefCell<Option<Python>> = const { RefCell::new(None) };
}

struct Python {
    child: Child,
    cases: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Python {
    fn start() -> Self {
        let mut child = Command::new("python3")
            .args(["-c", include_str!("configparser.py")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs");
        let (cases, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, cases, answers: BufReader::new(answers) }
    }

    fn read(&mut self, text: &str) -> Option<Values> {
        let case = serde_json::to_string(text).unwrap() + "\n";
        self.cases.write_all(case.as_bytes()).expect("python3 reads");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("python3 answers");
        serde_json::from_str(&answer).expect("python3 answers with JSON")
    }
}

/// What `configparser` reads; `None` if it refuses the file.
pub(super) fn read(text: &str) -> Option<Values> {
    PYTHON.with_borrow_mut(|python| python.get_or_insert_with(Python::start).read(text))
}
