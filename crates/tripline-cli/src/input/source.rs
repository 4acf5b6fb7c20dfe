//! Reads the config file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use tripline::diagnostic::Diagnostics;
use tripline::faults::Faults;
use tripline::job::JobId;
use tripline::text::clean;
use tripline_config::{AlarmConfig, GuardConfig, MAX_FILE_BYTES};

use super::declared::DeclaredLimits;
use crate::exit::Error;

/// What the messages call a file: its path, fit to be shown.
pub fn name_of(path: &Path) -> String {
    clean(&path.to_string_lossy(), 256)
}

/// Opens a regular file. What it is shows before it is opened: to open a pipe that nobody writes to
/// takes for ever.
pub fn open(path: &Path, expected: &str) -> Result<File, Error> {
    let name = name_of(path);
    let cannot = |error: std::io::Error| Error::in_file(&name, format!("cannot be read: {error}"));
    let is = match std::fs::metadata(path).map_err(cannot)?.file_type() {
        kind if kind.is_file() => return File::open(path).map_err(cannot),
        kind if kind.is_dir() => "is a directory",
        _ => "is a pipe or a device and no file",
    };
    Err(Error::in_file(&name, format!("{is} (expected {expected})")))
}

/// Reads a config's text, of a file that may be anything.
pub fn read(path: &Path) -> Result<String, Error> {
    let name = name_of(path);
    let fault = |text: String| Error::in_file(&name, text);
    let cannot = |error: std::io::Error| fault(format!("cannot be read: {error}"));
    let file = open(path, "a config file such as `dev.ini`")?;
    let mut bytes = Vec::new();
    // One more than is allowed shows that it is too long, and no device file goes on for ever.
    file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(fault(format!(
            "too long for a config (expected at most {MAX_FILE_BYTES} bytes)"
        )));
    }
    if is_utf_16(&bytes) {
        return Err(Error::in_line(&name, 1, "UTF-16 text (expected UTF-8)")
            .hint(format!("{SAVE_AS_UTF_8}, in PowerShell with `-Encoding utf8`")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes().iter().take(valid).filter(|byte| **byte == b'\n').count();
        Error::in_line(&name, line, "not UTF-8 text").hint(SAVE_AS_UTF_8)
    })
}

const SAVE_AS_UTF_8: &str = "save the file as UTF-8";

/// Whether this is text in UTF-16: it begins with its mark, or with ASCII characters of two bytes each.
fn is_utf_16(bytes: &[u8]) -> bool {
    let ascii = |byte: u8| byte != 0 && byte.is_ascii();
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [a, 0, b, 0, ..] | [0, a, 0, b, ..] => ascii(*a) && ascii(*b),
        _ => false,
    }
}

/// A job's guard, as a config says it.
#[derive(Debug)]
pub struct LoadedGuard {
    pub config: AlarmConfig,
    pub evidence: Option<DeclaredLimits>,
}

impl LoadedGuard {
    /// Whether it guards by nothing.
    pub fn is_empty(&self) -> bool {
        self.config.alarms.is_empty() && self.evidence.is_none()
    }
}

/// Reads and checks what guards a job: the alarms of a config, and its limits with their baseline, which is
/// looked for in the config's folder.
pub fn load_guard(path: &Path) -> Result<LoadedGuard, Error> {
    let file = name_of(path);
    let text = read(path)?;
    let GuardConfig { alarms, evidence } =
        GuardConfig::parse(&file, &text).map_err(faults_in(&text))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let evidence = evidence.map(|config| DeclaredLimits::read(&file, config, folder)).transpose();
    let evidence = evidence.map_err(faults_in(&text))?;
    Ok(LoadedGuard { config: alarms, evidence })
}

/// A config's faults as the error of a command.
pub fn faults(faults: Faults) -> Error {
    Error::input(faults)
}

/// Those of a file whose text is known, so that its lines are shown.
pub fn faults_in(text: &str) -> impl Fn(Faults) -> Error {
    |faults| Error::input(Diagnostics::from(faults).with_lines_of(text))
}

/// The job that a config's alarms are for: what the command line says, or else the config.
pub fn job_of(flag: Option<JobId>, file: &str, config: &AlarmConfig) -> Result<JobId, Error> {
    flag.or_else(|| config.job.clone()).ok_or_else(|| {
        Error::in_file(file, "no job to arm: `jobId` in `[DEFAULT]` is missing or cannot be one")
            .hint("name the job with `--job-id`")
    })
}
