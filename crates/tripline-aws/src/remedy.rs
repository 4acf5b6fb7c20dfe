//! What a person can do about a call that AWS refused: said to people only, since a function can do nothing about it.

use crate::{Failure, FailureKind};

impl Failure {
    /// The same with what to do, if AWS's answer says so much. `region` is where S3 says that a bucket is.
    pub(crate) fn with_remedy(self, status: u16, region: Option<&str>) -> Self {
        let code = self.code().unwrap_or_default();
        if let Some(remedy) = remedy_for(code, self.kind) {
            let failure = self.with_hint(remedy.hint);
            return match remedy.command {
                Some(command) => failure.with_command(command),
                None => failure,
            };
        }
        match (status, region) {
            // S3 answers so to whoever asks in another Region.
            (301 | 307 | 400, Some(region)) if code.is_empty() || code == "PermanentRedirect" => {
                let what = format!("it is in Region `{region}`");
                Self::new(self.operation, FailureKind::Refused, what).with_hint(format!(
                    "use a bucket of the job's Region, or give `--region {region}`"
                ))
            }
            _ => self,
        }
    }
}

/// What to do, and the command that the hint names.
struct Remedy {
    hint: &'static str,
    command: Option<&'static str>,
}

impl Remedy {
    const fn new(hint: &'static str) -> Self {
        Self { hint, command: None }
    }

    const fn with_command(self, command: &'static str) -> Self {
        Self { command: Some(command), ..self }
    }
}

fn remedy_for(code: &str, kind: FailureKind) -> Option<Remedy> {
    const WHO_ASKS: &str = "aws sts get-caller-identity";
    let has = |parts: &[&str]| parts.iter().any(|part| code.contains(part));
    let remedy = if has(&["Expired"]) {
        Remedy::new("the credentials have expired: renew them, for example with `aws sso login`")
            .with_command("aws sso login")
    } else if has(&[
        "UnrecognizedClient",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "InvalidToken",
    ]) {
        Remedy::new(
            "AWS does not know these credentials: check the profile or AWS_ACCESS_KEY_ID (temporary ones need AWS_SESSION_TOKEN too), and that the account has this Region enabled",
        )
    } else if has(&["SignatureDoesNotMatch", "InvalidSignature", "IncompleteSignature"]) {
        Remedy::new("check AWS_SECRET_ACCESS_KEY, and this machine's clock")
    } else if has(&["RequestTimeTooSkewed"]) {
        Remedy::new("set this machine's clock, for example with `sudo timedatectl set-ntp true`")
            .with_command("sudo timedatectl set-ntp true")
    } else if has(&["MissingAuthenticationToken"]) {
        Remedy::new("set credentials, for example with `aws configure`")
            .with_command("aws configure")
    } else if kind == FailureKind::Denied && code.is_empty() {
        Remedy::new(
            "it may belong to another account: check the name, and what this identity is allowed (`aws sts get-caller-identity` shows who asks)",
        )
        .with_command(WHO_ASKS)
    } else if kind == FailureKind::Denied {
        Remedy::new(
            "have this identity allowed the action, or use another profile (`aws sts get-caller-identity` shows who asks)",
        )
        .with_command(WHO_ASKS)
    } else {
        return None;
    };
    Some(remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_what_to_do() {
        let remedy = |kind, code: &str, status| {
            let failure = match code {
                "" => Failure::new("HeadBucket", kind, "access denied"),
                code => Failure::answered("HeadBucket", kind, code, "no"),
            };
            failure.with_remedy(status, None).to_string()
        };
        for (code, says) in [
            ("ExpiredToken", "renew them"),
            ("ExpiredTokenException", "renew them"),
            ("RequestExpired", "renew them"),
            ("InvalidClientTokenId", "AWS does not know these credentials"),
            ("UnrecognizedClientException", "AWS does not know these credentials"),
            ("SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"),
            ("RequestTimeTooSkewed", "clock"),
            ("AccessDeniedException", "have this identity allowed the action"),
            ("", "it may belong to another account"),
        ] {
            let said = remedy(FailureKind::Denied, code, 403);
            assert!(said.contains("\n  hint: ") && said.contains(says), "{code}: {said}");
        }
        let throttled = remedy(FailureKind::Throttled, "ThrottlingException", 400);
        assert_eq!(throttled, "HeadBucket: ThrottlingException: no");
    }

    #[test]
    fn a_command_that_a_hint_names_is_data_too() {
        for (code, command) in [
            ("ExpiredToken", "aws sso login"),
            ("RequestTimeTooSkewed", "sudo timedatectl set-ntp true"),
            ("MissingAuthenticationToken", "aws configure"),
            ("AccessDenied", "aws sts get-caller-identity"),
        ] {
            let failure = Failure::answered("GetObject", FailureKind::Denied, code, "no");
            let diagnostic = failure.with_remedy(403, None).diagnostic();
            assert_eq!(diagnostic.commands(), [command], "{code}");
            assert!(diagnostic.hint().unwrap().contains(&format!("`{command}`")), "{code}");
            assert_eq!(diagnostic.to_string().matches(command).count(), 1, "{code}");
        }
    }

    #[test]
    fn a_bucket_of_another_region_is_said_with_that_region() {
        let failure =
            Failure::new("HeadBucket", FailureKind::Unavailable, "no AWS answer (HTTP 301)");
        let said = failure.with_remedy(301, Some("eu-west-1")).of("bucket `b`");
        assert_eq!(said.kind, FailureKind::Refused);
        assert!(said.what() == "HeadBucket: bucket `b`: it is in Region `eu-west-1`", "{said}");
        assert!(said.to_string().contains("--region eu-west-1"), "{said}");
    }
}
