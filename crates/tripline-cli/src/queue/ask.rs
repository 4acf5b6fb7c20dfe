//! Questions to the person at the terminal.

use std::io::{self, BufRead, IsTerminal, Read, Write};

/// Longest answer in bytes.
const LONGEST: u64 = 4_096;

/// Whether there is a person to ask.
pub fn is_somebody_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for a value; an empty answer takes `default`.
pub fn ask(
    input: &mut impl BufRead,
    output: &mut impl Write,
    question: &str,
    default: &str,
) -> io::Result<String> {
    write!(output, "{question} [{default}]: ")?;
    output.flush()?;
    let mut answer = String::new();
    if input.take(LONGEST).read_line(&mut answer)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let answer = answer.trim();
    Ok(if answer.is_empty() { default.to_owned() } else { answer.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_answer_takes_the_old_value() {
        let mut input = io::Cursor::new("fw-2\n  \n");
        let mut output = Vec::new();
        let mut asked = |question| ask(&mut input, &mut output, question, "old");
        assert_eq!(asked("jobId").unwrap(), "fw-2");
        assert_eq!(asked("streamId").unwrap(), "old");
        assert_eq!(asked("binName").unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(output, b"jobId [old]: streamId [old]: binName [old]: ");
    }
}
