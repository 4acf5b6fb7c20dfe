//! AWS IoT streams (files that devices fetch in blocks over MQTT), as far as their management goes:
//! `CreateStream`, `DescribeStream`, `UpdateStream`, `DeleteStream`, `ListStreams`, and
//! `ListTagsForResource` and `TagResource` of a stream.
//!
//! **A stand-in, not AWS.** The local AWS has no streams. This follows the names, limits and errors of
//! AWS's API reference; whatever uses streams is proven against it, and against nothing else.
//! It does not look whether the file or the role exists, nor does any device get a block.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use hyper::http::request::Parts;
use serde_json::{Map, Value, json};

use super::call::{Call, parameter};
use super::fault::Refusal;
use crate::local_aws::REGION;

/// The local AWS's account.
const ACCOUNT: &str = "000000000000";
/// AWS documents a page of at most this many,
const LARGEST_PAGE: usize = 250;
/// and no default. Small here, so that nobody gets by without asking for the next page.
const PAGE: usize = 25;

type Answer<T = Value> = Result<T, Refusal>;

/// All streams, by their ids.
#[derive(Debug, Default)]
pub(super) struct Streams(BTreeMap<String, Stream>);

#[derive(Debug)]
struct Stream {
    version: u16,
    description: Option<String>,
    files: Value,
    role: String,
    tags: Value,
    created: f64,
    updated: f64,
}

impl Streams {
    /// Whether a call is about streams.
    pub(super) fn are_meant_by(call: &Call, body: &[u8]) -> bool {
        let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
        let of_streams = match path.strip_prefix("/streams") {
            Some(rest) => rest.is_empty() || rest.starts_with('/'),
            None => {
                let resource = match call.method.as_str() {
                    "GET" => parameter(query, "resourceArn"),
                    "POST" => object(body).ok().and_then(|asked| resource(&asked).ok()),
                    _ => None,
                };
                path == "/tags" && resource.is_some_and(|arn| arn.contains(":stream/"))
            }
        };
        of_streams && call.service == "iot"
    }

    pub(super) fn answer(&mut self, request: &Parts, body: &[u8]) -> Response<Full<Bytes>> {
        match self.carry_out(request, body) {
            Ok(answer) => {
                let mut answer = Response::new(Full::new(answer.to_string().into()));
                let json = hyper::header::HeaderValue::from_static("application/json");
                answer.headers_mut().insert(hyper::header::CONTENT_TYPE, json);
                answer
            }
            Err(refusal) => refusal.answer(request, "iot"),
        }
    }

    fn carry_out(&mut self, request: &Parts, body: &[u8]) -> Answer {
        let query = request.uri.query().unwrap_or_default();
        let id = request.uri.path().strip_prefix("/streams/");
        if let Some(id) = id {
            check(is_id(id), "streamId: 1 to 128 of a-z, A-Z, 0-9, _ and -")?;
        }
        match (request.method.as_str(), id) {
            ("POST", Some(id)) => self.create(id, &object(body)?),
            ("GET", Some(id)) => self.describe(id),
            ("PUT", Some(id)) => self.update(id, &object(body)?),
            ("DELETE", Some(id)) => self.0.remove(id).map(|_| json!({})).ok_or_else(not_found),
            ("GET", None) if request.uri.path() == "/tags" => self.tags(query),
            ("POST", None) if request.uri.path() == "/tags" => self.tag(&object(body)?),
            ("GET", None) => self.list(query),
            _ => Err(Refusal::new(405, "MethodNotAllowedException", "no such operation")),
        }
    }

    fn create(&mut self, id: &str, asked: &Map<String, Value>) -> Answer {
        let now = now();
        let stream = Stream {
            version: 1,
            description: description(asked)?,
            files: files(asked)?.ok_or_else(|| invalid("files: required"))?,
            role: role(asked)?.ok_or_else(|| invalid("roleArn: required"))?,
            tags: tags(asked)?,
            created: now,
            updated: now,
        };
        if self.0.contains_key(id) {
            return Err(Refusal::new(
                409,
                "ResourceAlreadyExistsException",
                format!("stream {id} already exists"),
            ));
        }
        let summary = summary(id, &stream);
        self.0.insert(id.to_owned(), stream);
        Ok(summary)
    }

    /// What is not given stays as it is.
    fn update(&mut self, id: &str, asked: &Map<String, Value>) -> Answer {
        let (description, files, role) = (description(asked)?, files(asked)?, role(asked)?);
        let stream = self.0.get_mut(id).ok_or_else(not_found)?;
        stream.version = stream
            .version
            .checked_add(1)
            .ok_or_else(|| Refusal::new(410, "LimitExceededException", "too many versions"))?;
        stream.updated = now();
        stream.description = description.or(stream.description.take());
        if let Some(files) = files {
            stream.files = files;
        }
        if let Some(role) = role {
            stream.role = role;
        }
        Ok(summary(id, stream))
    }

    fn describe(&self, id: &str) -> Answer {
        let stream = self.0.get(id).ok_or_else(not_found)?;
        let mut info = summary(id, stream);
        if let Some(info) = info.as_object_mut() {
            info.insert("files".into(), stream.files.clone());
            info.insert("roleArn".into(), stream.role.clone().into());
            info.insert("createdAt".into(), stream.created.into());
            info.insert("lastUpdatedAt".into(), stream.updated.into());
        }
        Ok(json!({"streamInfo": info}))
    }

    fn list(&self, query: &str) -> Answer {
        let size = match parameter(query, "maxResults") {
            Some(size) => size.parse().ok().filter(|size| (1..=LARGEST_PAGE).contains(size)),
            None => Some(PAGE),
        };
        let size = size.ok_or_else(|| invalid("maxResults: 1 to 250"))?;
        let ascending = parameter(query, "isAscendingOrder").as_deref() == Some("true");
        let mut ids: Vec<&String> = self.0.keys().collect();
        if !ascending {
            ids.reverse();
        }
        // The last id of the page before.
        let token = parameter(query, "nextToken");
        let past = |id: &&String| match &token {
            Some(token) if ascending => *id > token,
            Some(token) => *id < token,
            None => true,
        };
        let rest: Vec<&String> = ids.into_iter().filter(past).collect();
        let mut page = rest.iter().take(size);
        let streams: Vec<Value> =
            page.clone().filter_map(|id| Some(summary(id, self.0.get(*id)?))).collect();
        let mut answer = json!({"streams": streams});
        if let (true, Some(last), Some(answer)) =
            (rest.len() > size, page.next_back(), answer.as_object_mut())
        {
            answer.insert("nextToken".into(), last.as_str().into());
        }
        Ok(answer)
    }

    fn tags(&self, query: &str) -> Answer {
        let resource = parameter(query, "resourceArn").unwrap_or_default();
        let stream = self.0.iter().find(|(id, _)| arn(id) == resource);
        stream.map(|(_, stream)| json!({"tags": stream.tags})).ok_or_else(not_found)
    }

    /// A tag of the same key is replaced, the others stay.
    fn tag(&mut self, asked: &Map<String, Value>) -> Answer {
        let (resource, new) = (resource(asked)?, tags(asked)?);
        let stream = self.0.iter_mut().find(|(id, _)| arn(id) == resource);
        let (_, stream) = stream.ok_or_else(not_found)?;
        let new = new.as_array().ok_or_else(|| invalid("tags: required"))?;
        let is_new = |tag: &&Value| new.iter().any(|new| new.get("Key") == tag.get("Key"));
        let old = stream.tags.as_array().into_iter().flatten().filter(|tag| !is_new(tag));
        stream.tags = old.chain(new).cloned().collect();
        Ok(json!({}))
    }
}

fn resource(asked: &Map<String, Value>) -> Answer<String> {
    text(asked, "resourceArn", 1..=2048)?.ok_or_else(|| invalid("resourceArn: required"))
}

fn arn(id: &str) -> String {
    format!("arn:aws:iot:{REGION}:{ACCOUNT}:stream/{id}")
}

fn summary(id: &str, stream: &Stream) -> Value {
    json!({
        "streamId": id,
        "streamArn": arn(id),
        "description": stream.description,
        "streamVersion": stream.version,
    })
}

fn description(asked: &Map<String, Value>) -> Answer<Option<String>> {
    text(asked, "description", 0..=2028)
}

fn role(asked: &Map<String, Value>) -> Answer<Option<String>> {
    text(asked, "roleArn", 20..=2048)
}

fn files(asked: &Map<String, Value>) -> Answer<Option<Value>> {
    let Some(files) = asked.get("files") else { return Ok(None) };
    let list = files.as_array().filter(|list| (1..=50).contains(&list.len()));
    for file in list.ok_or_else(|| invalid("files: 1 to 50"))? {
        let id = file.get("fileId").and_then(Value::as_u64);
        check(id.is_some_and(|id| id <= 255), "files.fileId: 0 to 255")?;
        let place = file.get("s3Location").and_then(Value::as_object);
        let place = place.ok_or_else(|| invalid("files.s3Location: required"))?;
        for name in ["bucket", "key"] {
            let value = text(place, name, 1..=1024)?;
            check(value.is_some(), "files.s3Location: bucket and key")?;
        }
        text(place, "version", 0..=1024)?;
    }
    Ok(Some(files.clone()))
}

fn tags(asked: &Map<String, Value>) -> Answer {
    let Some(tags) = asked.get("tags") else { return Ok(json!([])) };
    for tag in tags.as_array().ok_or_else(|| invalid("tags: a list"))? {
        let tag = tag.as_object().ok_or_else(|| invalid("tags: Key and Value"))?;
        check(text(tag, "Key", 1..=128)?.is_some(), "tags.Key: required")?;
        text(tag, "Value", 0..=256)?;
    }
    Ok(tags.clone())
}

/// A text of that many characters, none of them a control character.
fn text(
    of: &Map<String, Value>,
    name: &str,
    length: std::ops::RangeInclusive<usize>,
) -> Answer<Option<String>> {
    let Some(value) = of.get(name) else { return Ok(None) };
    let good = value.as_str().filter(|text| {
        length.contains(&text.chars().count()) && !text.chars().any(char::is_control)
    });
    let (min, max) = length.into_inner();
    let good = good.ok_or_else(|| invalid(&format!("{name}: a text of {min} to {max} characters")));
    good.map(|text| Some(text.to_owned()))
}

fn object(body: &[u8]) -> Answer<Map<String, Value>> {
    serde_json::from_slice(body).map_err(|error| invalid(&format!("body: {error}")))
}

fn is_id(id: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=128).contains(&id.len()) && id.bytes().all(good)
}

fn check(holds: bool, expected: &str) -> Answer<()> {
    if holds { Ok(()) } else { Err(invalid(expected)) }
}

fn invalid(expected: &str) -> Refusal {
    Refusal::new(400, "InvalidRequestException", expected)
}

fn not_found() -> Refusal {
    Refusal::new(404, "ResourceNotFoundException", "no such stream")
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
