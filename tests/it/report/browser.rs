//! A headless Chromium, driven by its DevTools protocol
//! (<https://chromedevtools.github.io/devtools-protocol/>).

use std::collections::VecDeque;
use std::env;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use tripline_tests::workspace::root;
use tungstenite::{Message, WebSocket};

/// Longest time for one answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// A browser that ends with this value.
pub struct Browser {
    process: Child,
    socket: WebSocket<TcpStream>,
    /// What came before it was asked for.
    events: VecDeque<Value>,
    asked: u64,
    _profile: TempDir,
}

/// For whom a page is shown.
#[derive(Debug, Clone, Copy)]
pub enum Look {
    Light,
    Dark,
    Print,
}

/// What came of opening a page.
pub struct Opened {
    /// A picture of the whole page.
    pub png: Vec<u8>,
    /// Errors and warnings of the console, exceptions, and what could not be loaded.
    pub complaints: Vec<String>,
    /// What the script came to that measures the page, if it was given.
    pub measured: Value,
}

/// `TRIPLINE_CHROMIUM`, or what `make` installed, or what the machine has.
fn executable() -> PathBuf {
    if let Some(path) = env::var_os("TRIPLINE_CHROMIUM") {
        return path.into();
    }
    let installed = root().join(".local/browser/chromium");
    let found = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&found).flat_map(|folder| {
        ["chromium", "chromium-browser", "google-chrome"].map(|name| folder.join(name))
    });
    [installed].into_iter().chain(found).find(|path| path.is_file()).expect(
        "no Chromium, in which the report is tested\n\n  hint: `make browser` installs one into .local/, or name yours in TRIPLINE_CHROMIUM\n",
    )
}

impl Browser {
    pub fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let executable = executable();
        let mut process = Command::new(&executable)
            // No sandbox: it opens our own pages only, and in a container none can be set up.
            .args([
                "--headless",
                "--no-sandbox",
                "--no-zygote",
                "--disable-gpu",
                "--disable-dev-shm-usage",
            ])
            .args(["--no-first-run", "--disable-background-networking", "--hide-scrollbars"])
            .arg("--remote-debugging-port=0")
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", executable.display()));
        let mut lines =
            BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut said = Vec::new();
        let address = lines
            .by_ref()
            .inspect(|line| said.push(line.clone()))
            .find_map(|line| Some(line.strip_prefix("DevTools listening on ")?.to_owned()));
        let address =
            address.unwrap_or_else(|| panic!("{}: did not start: {said:#?}", executable.display()));
        // What it goes on to say is of no use, but it must not wait for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let host = address.trim_start_matches("ws://").split('/').next().unwrap();
        let stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (socket, _) = tungstenite::client(address.as_str(), stream).unwrap();
        Self { process, socket, events: VecDeque::new(), asked: 0, _profile: profile }
    }

    /// Opens a page in a tab of its own, of so many pixels' width, and measures it with a script.
    pub fn open(&mut self, page: &Path, look: Look, width: u32, script: &str) -> Opened {
        let target = self.ask(None, "Target.createTarget", &json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = self.ask(None, "Target.attachToTarget", &attach)["sessionId"]
            .as_str()
            .unwrap()
            .to_owned();
        let session = Some(session.as_str());
        self.events.clear();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.ask(session, &format!("{domain}.enable"), &json!({}));
        }
        let (media, scheme) = match look {
            Look::Light => ("screen", "light"),
            Look::Dark => ("screen", "dark"),
            // Paper is white, whatever the screen is.
            Look::Print => ("print", "dark"),
        };
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.ask(
            session,
            "Emulation.setEmulatedMedia",
            &json!({"media": media, "features": features}),
        );
        let metrics =
            json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false});
        self.ask(session, "Emulation.setDeviceMetricsOverride", &metrics);
        self.ask(session, "Page.navigate", &json!({"url": format!("file://{}", page.display())}));
        self.wait_for("Page.loadEventFired");
        // Not by the page, which allows no script.
        let expression = json!({"expression": script, "returnByValue": true});
        let mut measured = self.ask(session, "Runtime.evaluate", &expression);
        assert!(measured.get("exceptionDetails").is_none(), "{measured:#}");
        let measured = measured["result"]["value"].take();
        let shot = json!({"format": "png", "captureBeyondViewport": true});
        let shot = self.ask(session, "Page.captureScreenshot", &shot);
        let png = STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        let complaints = self.events.iter().filter_map(complaint).collect();
        self.ask(None, "Target.closeTarget", &json!({"targetId": target["targetId"]}));
        Opened { png, complaints, measured }
    }

    fn ask(&mut self, session: Option<&str>, method: &str, parameters: &Value) -> Value {
        self.asked += 1;
        let mut message = json!({"id": self.asked, "method": method, "params": parameters});
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        self.socket.send(Message::text(message.to_string())).unwrap();
        loop {
            let mut answer = self.next();
            if answer["id"] == self.asked {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].take();
            }
            self.events.push_back(answer);
        }
    }

    fn wait_for(&mut self, event: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.events.iter().any(|message| message["method"] == event) {
            assert!(Instant::now() < until, "no {event}");
            let message = self.next();
            self.events.push_back(message);
        }
    }

    fn next(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.socket.read().expect("the browser answers") {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// What is wrong, if the event says that something is.
fn complaint(event: &Value) -> Option<String> {
    let parameters = &event["params"];
    match event["method"].as_str()? {
        "Runtime.exceptionThrown" => Some(parameters["exceptionDetails"].to_string()),
        "Runtime.consoleAPICalled" if parameters["type"] != "log" => {
            Some(parameters["args"].to_string())
        }
        "Log.entryAdded" if parameters["entry"]["level"] != "info" => {
            Some(parameters["entry"].to_string())
        }
        // Said in the log too, but for what the page itself forbids.
        "Network.loadingFailed" if parameters["blockedReason"].is_string() => {
            Some(parameters.to_string())
        }
        _ => None,
    }
}
