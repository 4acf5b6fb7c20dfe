//! What a person can do about a call that AWS refused: said to people only, since a function can do nothing about it.

use crate::{Failure, FailureKind};

impl Failure {
    /// The same with what to do, if AWS's answer says so much. `region` is where S3 says that a bucket is.
    pub(crate) fn with_remedy(self, status: u16, region: Option<&str>) -> Self {
        let code = self.code().unwrap_or_default();
        if let Some(remedy) = remedy_for(code, self.kind) {
            return self.with_hint(remedy);
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

fn remedy_for(code: &str, kind: FailureKind) -> Option<&'static str> {
    let has = |parts: &[&str]| parts.iter().any(|part| code.contains(part));
    if has(&["Expired"]) {
        Some("the credentials have expired: renew them, for example with `aws sso login`")
    } else if has(&[
        "UnrecognizedClient",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "InvalidToken",
    ]) {
        Some(
            "AWS does not know these credentials: check the profile or AWS_ACCESS_KEY_ID (temporary ones need AWS_SESSION_TOKEN too), and that the account has this Region enabled",
        )
    } else if has(&["SignatureDoesNotMatch", "InvalidSignature", "IncompleteSignature"]) {
        Some("check AWS_SECRET_ACCESS_KEY, and this machine's clock")
    } else if has(&["RequestTimeTooSkewed"]) {
        Some("set this machine's clock, for example with `sudo timedatectl set-ntp true`")
    } else if has(&["MissingAuthenticationToken"]) {
        Some("set credentials, for example with `aws configure`")
    } else if kind == FailureKind::Denied && code.is_empty() {
        Some(
            "it may belong to another account: check the name, and what this identity is allowed (`aws sts get-caller-identity` shows who asks)",
        )
    } else if kind == FailureKind::Denied {
        Some(
            "have this identity allowed the action, or use another profile (`aws sts get-caller-identity` shows who asks)",
        )
    } else {
        None
    }
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
    fn a_bucket_of_another_region_is_said_with_that_region() {
        let failure =
            Failure::new("HeadBucket", FailureKind::Unavailable, "no AWS answer (HTTP 301)");
        let said = failure.with_remedy(301, Some("eu-west-1")).of("bucket `b`");
        assert_eq!(said.kind, FailureKind::Refused);
        assert!(said.what() == "HeadBucket: bucket `b`: it is in Region `eu-west-1`", "{said}");
        assert!(said.to_string().contains("--region eu-west-1"), "{said}");
    }
}
