//! The commands that a message suggests, for whoever pastes them: as words of a shell, which may be set to
//! another region.

use sha2::{Digest, Sha256};

/// The same with `--region` in every command of the AWS CLI, of SAM's and of Tripline's that goes to AWS,
/// also in comments and between backticks, and in no quoted word.
pub fn in_region(text: &str, region: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let (mut is_quoted, mut is_comment, mut is_escaped) = (false, false, false);
    let mut before = '\n';
    while let Some(next) = rest.chars().next() {
        let begins_word = before.is_whitespace() || "(`".contains(before);
        if begins_word && !is_quoted {
            is_comment |= next == '#';
            let command = command_at(rest);
            if let Some((command, after)) = rest.split_at_checked(command).filter(|_| command > 0) {
                out += &format!("{command} --region {region}");
                (rest, before) = (after, ' ');
                continue;
            }
        }
        match next {
            '\n' if !is_quoted => is_comment = false,
            // An apostrophe of a comment quotes nothing.
            '\'' if !is_comment && !is_escaped => is_quoted = !is_quoted,
            _ => {}
        }
        is_escaped = next == '\\' && !is_quoted && !is_escaped;
        out.push(next);
        before = next;
        rest = rest.get(next.len_utf8()..).unwrap_or_default();
    }
    out
}

/// The length of the words that a command begins with, up to its verb; 0 if it is none that goes to AWS.
fn command_at(text: &str) -> usize {
    let is_word = |word: &&str| {
        let may_stand =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        word.starts_with(|c: char| c.is_ascii_lowercase()) && word.bytes().all(may_stand)
    };
    let words: Vec<&str> = text.splitn(4, [' ', '`']).take(3).take_while(is_word).collect();
    let count = match words.as_slice() {
        ["aws", _, _] | ["tripline", "alarms", "apply" | "remove" | "list"] => 3,
        ["sam", "deploy", ..] => 2,
        ["tripline", "deploy" | "doctor" | "drill" | "resume" | "stop" | "watch", ..] => 2,
        _ => return 0,
    };
    words.iter().take(count).map(|word| word.len() + 1).sum::<usize>() - 1
}

/// A word of a command, as a shell takes it.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@,+=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A short word for a text, which another text has not.
pub fn mark_of(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(quoted("tripline-fw-1"), "tripline-fw-1");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn every_command_names_its_region() {
        for (text, wanted) in [
            (
                "aws iot enable-topic-rule --rule-name r",
                "aws iot enable-topic-rule --region eu-1 --rule-name r",
            ),
            (
                "aws iot describe-event-configurations",
                "aws iot describe-event-configurations --region eu-1",
            ),
            (
                "tripline alarms apply dev.ini\ntripline doctor --stack s   # a job's, or: aws sns list-topics",
                "tripline alarms apply --region eu-1 dev.ini\ntripline doctor --region eu-1 --stack s   # a job's, or: aws sns list-topics --region eu-1",
            ),
            (
                "see `tripline doctor`, or `make deploy`",
                "see `tripline doctor --region eu-1`, or `make deploy`",
            ),
            ("sam deploy --stack-name s", "sam deploy --region eu-1 --stack-name s"),
            (
                "# tripline:FailureRate: aws is it",
                "# tripline:FailureRate: aws is it --region eu-1",
            ),
            (
                "aws sqs delete-queue --queue-url \"$(aws sqs get-queue-url --queue-name q)\"",
                "aws sqs delete-queue --region eu-1 --queue-url \"$(aws sqs get-queue-url --region eu-1 --queue-name q)\"",
            ),
            // A word of a command is left as it is, whatever it says.
            (
                r"aws a b-c --text 'it'\''s aws a b' --more 'so: tripline doctor'",
                r"aws a b-c --region eu-1 --text 'it'\''s aws a b' --more 'so: tripline doctor'",
            ),
            // These do not go to AWS, or go to a Region of their own.
            ("tripline simulate dev.ini", "tripline simulate dev.ini"),
            ("sudo timedatectl set-ntp true", "sudo timedatectl set-ntp true"),
            ("the tripline doctors", "the tripline doctors"),
            ("laws of nature", "laws of nature"),
            ("", ""),
            ("aws", "aws"),
            ("é aws", "é aws"),
        ] {
            assert_eq!(in_region(text, "eu-1"), wanted);
        }
    }
}
