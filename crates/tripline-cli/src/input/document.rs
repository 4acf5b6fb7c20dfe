//! The operator's own job document, from wherever the config says it is.

use std::path::Path;
use std::time::Duration;

use tripline::text::excerpt;
use tripline_aws::{Failure, FailureKind};
use tripline_config::S3Url;

use super::buckets::Buckets;
use crate::exit::Error;
use crate::input::source;

const GET: &str = "GetObject";
/// Longest document that is fetched; AWS takes fewer characters than this has bytes.
const MAX_BYTES: u64 = 1_000_000;
const WITHIN: Duration = Duration::from_secs(15);

/// A document's text, and what the errors call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnDocument {
    pub name: String,
    pub text: String,
}

/// Reads the document from a file.
pub fn file(path: &Path) -> Result<OwnDocument, Error> {
    Ok(OwnDocument { name: source::name_of(path), text: source::read(path)? })
}

/// Fetches the document at a URL.
pub async fn fetch(url: &str, s3: &Buckets) -> Result<OwnDocument, Error> {
    let text = match object(url) {
        Some((bucket, key)) => of_object(s3, bucket, key).await?,
        None => of_url(url.to_owned()).await?,
    };
    Ok(OwnDocument { name: excerpt(url), text })
}

/// The bucket and key of an object that is fetched with the caller's own credentials: `s3://`, or
/// the address of an object in S3 that was not signed by somebody else.
fn object(url: &str) -> Option<(&str, &str)> {
    if let Some(rest) = url.strip_prefix("s3://") {
        return rest.split_once('/');
    }
    let S3Url { bucket, key, .. } = S3Url::parse(url)?;
    (!key.contains(['?', '%', '+'])).then_some((bucket, key))
}

async fn of_object(s3: &Buckets, bucket: &str, key: &str) -> Result<String, Error> {
    let found = s3.bucket(bucket).get_object(key).send().await;
    let found = found.map_err(|error| Failure::from_sdk(GET, &error))?;
    let shown = format!("s3://{}/{}", excerpt(bucket), excerpt(key));
    let length = found.content_length().and_then(|length| u64::try_from(length).ok());
    if length.is_none_or(|length| length > MAX_BYTES) {
        return Err(too_long(&shown));
    }
    let bytes = found.body.collect().await.map_err(|fault| {
        Failure::new(GET, FailureKind::Unavailable, format!("{shown}: {fault}"))
    })?;
    String::from_utf8(bytes.to_vec()).map_err(|_| Error::in_file(&shown, "not UTF-8 text"))
}

/// A document behind any other URL. Nothing of the caller's goes there.
async fn of_url(url: String) -> Result<String, Error> {
    let shown = excerpt(&url);
    let fetched = tokio::task::spawn_blocking(move || {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(WITHIN))
            .max_redirects(3)
            .build()
            .into();
        let mut answer = agent.get(&url).call()?;
        answer.body_mut().with_config().limit(MAX_BYTES).read_to_string()
    });
    match fetched.await {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(ureq::Error::BodyExceedsLimit(_))) => Err(too_long(&shown)),
        Ok(Err(fault)) => Err(Error::input(format!("jobDocSrcUrl: {shown}: {fault}"))),
        Err(fault) => Err(Error::input(format!("jobDocSrcUrl: {shown}: {fault}"))),
    }
}

fn too_long(shown: &str) -> Error {
    Error::in_file(
        shown,
        format!("too long for a job document (expected at most {MAX_BYTES} bytes)"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_in_s3_are_distinguished_from_other_urls() {
        for url in [
            "s3://pumps/jobs/job.json",
            "https://pumps.s3.amazonaws.com/jobs/job.json",
            "https://pumps.s3.eu-central-1.amazonaws.com/jobs/job.json",
            "https://pumps.s3-eu-west-1.amazonaws.com/jobs/job.json",
            "https://s3.eu-central-1.amazonaws.com/pumps/jobs/job.json",
            "https://s3.amazonaws.com/pumps/jobs/job.json",
            "https://pumps.s3.cn-north-1.amazonaws.com.cn/jobs/job.json",
        ] {
            assert_eq!(object(url), Some(("pumps", "jobs/job.json")), "{url}");
        }
        for url in [
            "https://pumps.s3.amazonaws.com/jobs/job.json?X-Amz-Signature=1",
            "https://pumps.s3.amazonaws.com.example.com/job.json",
            "https://pumps.s3evil.amazonaws.com/job.json",
            "https://example.com/pumps/job.json",
            "http://127.0.0.1:8080/job.json",
        ] {
            assert_eq!(object(url), None, "{url}");
        }
    }
}
