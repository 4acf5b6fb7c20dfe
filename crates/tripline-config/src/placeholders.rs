//! What AWS IoT Jobs replaces in a job document when a device asks for it.

use tripline::faults::Fault;
use tripline::text::excerpt;

use crate::near::near;

/// What is replaced by a presigned URL.
const PRESIGNED: [&str; 2] = ["aws:iot:s3-presigned-url", "aws:iot:s3-presigned-url-v2"];
/// All that is replaced in a document of one's own
/// (<https://docs.aws.amazon.com/iot/latest/developerguide/create-manage-jobs.html>).
const KNOWN: [&str; 3] = [PRESIGNED[0], PRESIGNED[1], "aws:iot:code-sign-signature"];
/// What is replaced in AWS's own templates alone.
const OF_TEMPLATES: &str = "aws:iot:parameter";

/// A placeholder that is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placeholder<'a> {
    /// The line it stands in, from 1.
    pub line: usize,
    /// What it is, such as `aws:iot:s3-presigned-url`.
    pub name: &'static str,
    /// What stands behind that: the object's address.
    pub address: &'a str,
}

impl Placeholder<'_> {
    /// How one begins that is replaced by a presigned URL.
    pub const PRESIGNED: &'static str = "${aws:iot:s3-presigned-url:";

    /// Whether a presigned URL takes its place.
    pub fn is_presigned(&self) -> bool {
        PRESIGNED.contains(&self.name)
    }
}

/// The placeholders of a document, and what looks like one and reaches devices as it stands there.
pub(crate) fn find(text: &str) -> (Vec<Placeholder<'_>>, Vec<Fault>) {
    let (mut placeholders, mut faults) = (Vec::new(), Vec::new());
    for (line, text) in (1..).zip(text.lines()) {
        for (at, _) in text.match_indices("${") {
            let rest = text.get(at + 2..).unwrap_or_default();
            match read(rest) {
                Ok(Some((name, address))) => placeholders.push(Placeholder { line, name, address }),
                Ok(None) => {}
                Err((what, hint)) => faults.push(Fault::at(line, what).hint(Some(hint))),
            }
        }
        let bare = text.match_indices("aws:iot:").filter(|(at, _)| {
            let before = text.get(..*at).unwrap_or_default();
            !before.ends_with("${") && !before.ends_with("arn:")
        });
        for (at, _) in bare {
            let start = text.get(..at).unwrap_or_default();
            let opening = start.trim_end_matches(['$', '{', '(', '[', '<', '%', ' ']).len();
            let shown = up_to_end(text.get(opening..).unwrap_or_default());
            let what = format!(
                "`{}` does not begin with `${{`, so that nothing takes its place",
                excerpt(shown)
            );
            faults.push(Fault::at(line, what).hint(Some(known_ones())));
        }
    }
    (placeholders, faults)
}

/// What there is to be known of a `${` by what follows it; `None`: it is for the device.
type Read<'a> = Result<Option<(&'static str, &'a str)>, (String, String)>;

fn read(rest: &str) -> Read<'_> {
    let inner = up_to_end(rest);
    let is_closed = rest.get(inner.len()..).is_some_and(|rest| rest.starts_with('}'));
    let lower = inner.to_ascii_lowercase();
    if !lower.starts_with("aws") && !lower.contains("presigned") {
        return Ok(None);
    }
    let address_of = |name: &str| inner.strip_prefix(name)?.strip_prefix(':');
    let known = KNOWN.into_iter().find_map(|name| Some((name, address_of(name)?)));
    match known {
        Some((name, address)) if is_closed && !address.is_empty() => Ok(Some((name, address))),
        Some((name, "")) if is_closed => {
            let what = format!("`${{{name}:}}` names no object");
            Err((what, "put the object's address between `:` and `}`".to_owned()))
        }
        Some(_) => {
            let what = format!(
                "`${{{}` is not closed, so that nothing takes its place (expected `}}` after the address)",
                excerpt(inner)
            );
            Err((what, "put `}` behind the address".to_owned()))
        }
        None if address_of(OF_TEMPLATES).is_some() => {
            let what = format!(
                "`${{{}}}` is replaced in AWS managed templates alone (expected the value itself)",
                excerpt(inner)
            );
            Err((what, format!("write the value; {}", known_ones())))
        }
        None => {
            let what = format!("`${{{}` is no placeholder of AWS IoT Jobs", excerpt(inner));
            Err((what, meant(&lower)))
        }
    }
}

/// A text up to the end of a placeholder, or of the string that it stands in.
fn up_to_end(text: &str) -> &str {
    let end = text.find(['}', '"', '\\']).unwrap_or(text.len());
    text.get(..end).unwrap_or(text)
}

fn known_ones() -> String {
    let known = KNOWN.map(|name| format!("`${{{name}:..}}`"));
    format!("AWS IoT Jobs replaces {}", known.join(", "))
}

/// The placeholder that a misspelt one was probably meant to be.
fn meant(lower: &str) -> String {
    let address = ["http", "s3://", "arn:"].iter().filter_map(|begins| lower.find(begins)).min();
    let name = address.and_then(|at| lower.get(..at)).unwrap_or(lower).trim_end_matches(':');
    match near(name, &KNOWN) {
        Some(near) => format!("did you mean `${{{near}:..}}`?"),
        None => known_ones(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://s3.us-east-1.amazonaws.com/fw/x.bin";

    fn found(value: &str) -> (Vec<String>, Vec<String>) {
        let text = format!("{{\n  \"a\": \"{value}\"\n}}\n");
        let (placeholders, faults) = find(&text);
        assert!(
            placeholders.iter().all(|it| it.line == 2)
                && faults.iter().all(|it| it.line == Some(2))
        );
        let said = |fault: Fault| format!("{} / {}", fault.text, fault.hint.unwrap_or_default());
        let addresses = placeholders.into_iter().map(|it| it.address.to_owned());
        (addresses.collect(), faults.into_iter().map(said).collect())
    }

    #[test]
    fn what_is_replaced_is_found() {
        for name in KNOWN {
            assert_eq!(found(&format!("a ${{{name}:{URL}}} b")), (vec![URL.to_owned()], vec![]));
        }
        let two = format!("${{{0}:{URL}}} ${{{0}:{URL}}}", KNOWN[0]);
        assert_eq!(found(&two).0.len(), 2);
    }

    #[test]
    fn what_is_for_the_device_is_left_alone() {
        for value in [
            "${HOME}/x",
            "$(date)",
            "arn:aws:iot:us-east-1:111122223333:thing/a",
            "$aws/things/a/jobs",
            "{a} ${} ${",
        ] {
            assert_eq!(found(value), (vec![], vec![]), "{value}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_a_fault() {
        for (value, said) in [
            (
                format!("${{aws:iot:s3-presigned-ulr:{URL}}}"),
                "did you mean `${aws:iot:s3-presigned-url:..}`?",
            ),
            (format!("${{aws:iot:s3-presigned-url-v3:{URL}}}"), "`${aws:iot:s3-presigned-url"),
            (format!("${{aws:iot:S3-Presigned-URL:{URL}}}"), "`${aws:iot:s3-presigned-url:..}`?"),
            (format!("${{aws-iot:s3-presigned-url:{URL}}}"), "`${aws:iot:s3-presigned-url:..}`?"),
            (format!("${{s3-presigned-url:{URL}}}"), "`${aws:iot:s3-presigned-url:..}`"),
            (
                "${aws:iot:thing-name}".to_owned(),
                "AWS IoT Jobs replaces `${aws:iot:s3-presigned-url:..}`",
            ),
            (format!("{{aws:iot:s3-presigned-url:{URL}}}"), "does not begin with `${`"),
            (format!("$(aws:iot:s3-presigned-url:{URL})"), "does not begin with `${`"),
            (format!("aws:iot:s3-presigned-url:{URL}"), "does not begin with `${`"),
            (format!("${{aws:iot:s3-presigned-url:{URL}"), "is not closed"),
            (format!("${{aws:iot:code-sign-signature:{URL} x"), "is not closed"),
            ("${aws:iot:s3-presigned-url:}".to_owned(), "names no object"),
            ("${aws:iot:parameter:downloadUrl}".to_owned(), "AWS managed templates alone"),
        ] {
            let (placeholders, faults) = found(&value);
            assert_eq!((placeholders.len(), faults.len()), (0, 1), "{value}: {faults:?}");
            assert!(faults[0].contains(said), "{value}: {faults:?}");
        }
    }
}
