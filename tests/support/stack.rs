//! The project's own template, deployed through the CloudFormation API.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::operation::create_stack::builders::CreateStackFluentBuilder;
use aws_sdk_cloudformation::types::{Capability, Parameter, StackStatus};
use aws_sdk_s3::primitives::ByteStream;
use serde_json::{Value, json};

use crate::local_aws::LocalAws;
use crate::wire::Answer;
use crate::{Error, Result, at, call, workspace};

/// How the template names a function's code; a package's name and `/` follow.
const CODE: &str = "../lambda/";
/// What the template includes or is given the definition of, beside it.
const FILES: [&str; 2] = ["dashboard-body.json", "release.asl.json"];
/// Where the zips go; the bucket is this server's own.
const BUCKET: &str = "tripline-code";
/// What the template is called there.
const TEMPLATE: &str = "tripline.yaml";
const WITHIN: Duration = Duration::from_secs(60);

/// A stack that was created completely.
#[derive(Debug)]
pub struct Stack {
    name: String,
    outputs: BTreeMap<String, String>,
    cloudformation: Client,
}

impl Stack {
    /// Deploys the packaged template with the functions built for this machine. Other parameters that
    /// are not given have the template's defaults.
    pub async fn create(aws: &LocalAws, name: &str, parameters: &[(&str, &str)]) -> Result<Self> {
        let template = workspace::packaged_template()?;
        let packages = packages(&template);
        let template = with_uploaded_files(&with_uploaded_code(&template));
        upload(aws, &packages, &template).await?;
        let parameters = [&[("Architecture", architecture())], parameters].concat();
        // Longer than a request may be; `sam deploy` goes by a bucket too.
        let url = format!("{}/{BUCKET}/{TEMPLATE}", aws.endpoint());
        Self::created(aws, name, |request| request.template_url(url), &parameters).await
    }

    /// A minute of the guard-keeper, and what it found and did. Its schedule may have it at work; then
    /// it is asked again.
    pub async fn keep(&self, aws: &LocalAws) -> Result<Value> {
        let arn = self.output("GuardKeeperFunctionArn")?;
        let keeper = arn.rsplit(':').next().unwrap_or(arn);
        let start = Instant::now();
        loop {
            match aws.invoke(keeper, &json!({})) {
                Ok(Answer::Returned(summary)) => return Ok(summary),
                Ok(failed) => return Err(Error(format!("the guard-keeper: {failed:?}"))),
                Err(error) => {
                    let is_busy =
                        ["429", "TooManyRequests"].iter().any(|code| error.0.contains(code));
                    if !is_busy || start.elapsed() > 2 * WITHIN {
                        return Err(error);
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Deploys a template as it is.
    pub async fn create_from(
        aws: &LocalAws,
        name: &str,
        template: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Self> {
        Self::created(aws, name, |request| request.template_body(template), parameters).await
    }

    async fn created(
        aws: &LocalAws,
        name: &str,
        template: impl FnOnce(CreateStackFluentBuilder) -> CreateStackFluentBuilder,
        parameters: &[(&str, &str)],
    ) -> Result<Self> {
        let cloudformation = Client::new(&aws.config());
        let parameters = parameters.iter().map(|(key, value)| {
            Parameter::builder().parameter_key(*key).parameter_value(*value).build()
        });
        template(cloudformation.create_stack())
            .stack_name(name)
            .set_parameters(Some(parameters.collect()))
            .capabilities(Capability::CapabilityIam)
            .capabilities(Capability::CapabilityAutoExpand)
            .send()
            .await
            .map_err(call("CreateStack"))?;
        let mut stack = Self { name: name.to_owned(), outputs: BTreeMap::new(), cloudformation };
        stack.wait_for(&StackStatus::CreateComplete).await?;
        Ok(stack)
    }

    /// What it was created as.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The stack's outputs by their key.
    pub fn outputs(&self) -> &BTreeMap<String, String> {
        &self.outputs
    }

    /// One output.
    pub fn output(&self, key: &str) -> Result<&str> {
        self.outputs.get(key).map(String::as_str).ok_or_else(|| {
            let known: Vec<&str> = self.outputs.keys().map(String::as_str).collect();
            Error(format!(
                "stack `{}`: no output `{key}` (it has `{}`)",
                self.name,
                known.join("`, `")
            ))
        })
    }

    /// Deletes the stack and waits until it is gone.
    pub async fn delete(mut self) -> Result<()> {
        let deleted = self.cloudformation.delete_stack().stack_name(&self.name).send().await;
        deleted.map_err(call("DeleteStack"))?;
        self.wait_for(&StackStatus::DeleteComplete).await
    }

    async fn wait_for(&mut self, wanted: &StackStatus) -> Result<()> {
        let start = Instant::now();
        loop {
            let described =
                self.cloudformation.describe_stacks().stack_name(&self.name).send().await;
            let stack = match described {
                // A deleted stack is not known by its name any more.
                Err(_) if *wanted == StackStatus::DeleteComplete => return Ok(()),
                described => {
                    described.map_err(call("DescribeStacks"))?.stacks.unwrap_or_default().pop()
                }
            };
            let status = stack.as_ref().and_then(|stack| stack.stack_status.clone());
            if status.as_ref() == Some(wanted) {
                let outputs = stack.and_then(|stack| stack.outputs).unwrap_or_default();
                self.outputs = outputs
                    .into_iter()
                    .filter_map(|output| Some((output.output_key?, output.output_value?)))
                    .collect();
                return Ok(());
            }
            let status = status.map_or_else(String::new, |status| status.as_str().to_owned());
            let over = !status.ends_with("_IN_PROGRESS");
            if over || start.elapsed() > WITHIN {
                let faults = self.faults().await;
                return Err(Error(format!(
                    "stack `{}`: `{status}` (expected `{}`)\n{faults}",
                    self.name,
                    wanted.as_str()
                )));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// What the stack's events say went wrong, first fault first.
    async fn faults(&self) -> String {
        let events =
            self.cloudformation.describe_stack_events().stack_name(&self.name).send().await;
        let mut events = events.ok().and_then(|events| events.stack_events).unwrap_or_default();
        events.reverse();
        let failed = events.iter().filter(|event| {
            event.resource_status().is_some_and(|status| status.as_str().ends_with("_FAILED"))
        });
        failed
            .map(|event| {
                format!(
                    "  {} ({}): {}\n",
                    event.logical_resource_id().unwrap_or("?"),
                    event.resource_type().unwrap_or("?"),
                    event.resource_status_reason().unwrap_or("no reason given")
                )
            })
            .collect()
    }
}

/// The packages whose code the template deploys.
fn packages(template: &str) -> Vec<String> {
    let mut packages: Vec<String> = template
        .split(CODE)
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect())
        .collect();
    packages.sort();
    packages.dedup();
    packages
}

/// The template with every function's code in [`BUCKET`].
fn with_uploaded_code(template: &str) -> String {
    packages(template).iter().fold(template.to_owned(), |template, package| {
        let uploaded = format!("s3://{BUCKET}/{package}.zip");
        template
            .replace(&format!("{CODE}{package}/"), &uploaded)
            .replace(&format!("{CODE}{package}"), &uploaded)
    })
}

/// The template with every file beside it in [`BUCKET`].
fn with_uploaded_files(template: &str) -> String {
    FILES.iter().fold(template.to_owned(), |template, file| {
        template.replace(&format!(": {file}"), &format!(": s3://{BUCKET}/{file}"))
    })
}

/// The functions run on this machine.
fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

async fn upload(aws: &LocalAws, packages: &[String], template: &str) -> Result<()> {
    // One address for all buckets: `bucket.127.0.0.1` is none.
    let config = aws_sdk_s3::config::Builder::from(&aws.config()).force_path_style(true).build();
    let s3 = aws_sdk_s3::Client::from_conf(config);
    s3.create_bucket().bucket(BUCKET).send().await.map_err(call("CreateBucket"))?;
    let body = ByteStream::from(template.as_bytes().to_vec());
    let put = s3.put_object().bucket(BUCKET).key(TEMPLATE).body(body);
    put.send().await.map_err(call("PutObject"))?;
    for file in FILES {
        let path = workspace::root().join("target/package").join(file);
        let body = ByteStream::from(std::fs::read(&path).map_err(at(path.display()))?);
        let put = s3.put_object().bucket(BUCKET).key(file).body(body);
        put.send().await.map_err(call("PutObject"))?;
    }
    for package in packages {
        let zip = workspace::function_zip(package)?;
        let code = std::fs::read(&zip).map_err(at(zip.display()))?;
        s3.put_object()
            .bucket(BUCKET)
            .key(format!("{package}.zip"))
            .body(ByteStream::from(code))
            .send()
            .await
            .map_err(call("PutObject"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_taken_from_the_bucket() {
        let template = "\
      CodeUri: ../lambda/metrics-generator/
      CodeUri: ../lambda/force-stopper # built before
      CodeUri: ../lambda/metrics-generator/
";
        assert_eq!(packages(template), ["force-stopper", "metrics-generator"]);
        assert_eq!(
            with_uploaded_code(template),
            "\
      CodeUri: s3://tripline-code/metrics-generator.zip
      CodeUri: s3://tripline-code/force-stopper.zip # built before
      CodeUri: s3://tripline-code/metrics-generator.zip
"
        );
    }
}
