//! CloudWatch's front in memory: it answers as scripted, when tokio's clock says so, and keeps what it took.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use tokio::time::Instant;
use tripline_aws::{SdkConfig, function};

/// What becomes of a request.
#[derive(Debug, Clone, Copy)]
pub enum Fate {
    /// It is taken, and that is said after so many milliseconds.
    Taken(u64),
    /// It is taken, and the connection breaks.
    TakenAndLost,
    /// It is taken, and somebody else than CloudWatch answers with status 200.
    TakenAndHidden,
    /// It is refused at once with this status, code and message.
    Refused(u16, &'static str),
}

/// See the module. Of several fates each befalls one request, the last all that follow.
#[derive(Debug, Clone)]
pub struct Front(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    fates: Vec<Fate>,
    asked: usize,
    /// The bodies of what was taken.
    taken: Vec<Vec<u8>>,
}

impl Front {
    pub fn new(fates: &[Fate]) -> Self {
        Self(Arc::new(Mutex::new(State { fates: fates.to_vec(), asked: 0, taken: Vec::new() })))
    }

    /// The settings that the function has, with this front before CloudWatch.
    pub fn config(&self) -> SdkConfig {
        let credentials = Credentials::new("key", "secret", None, None, "test");
        function::config()
            .to_builder()
            .region(aws_sdk_cloudwatch::config::Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(self.clone())
            .build()
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.0.lock().unwrap().asked
    }

    /// How often it took something.
    pub fn taken(&self) -> usize {
        self.0.lock().unwrap().taken.len()
    }

    /// Whether anything that it took has these words.
    pub fn took(&self, words: &str) -> bool {
        let state = self.0.lock().unwrap();
        state
            .taken
            .iter()
            .any(|body| body.windows(words.len()).any(|some| some == words.as_bytes()))
    }
}

impl HttpClient for Front {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Front {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let fate = {
            let mut state = self.0.lock().unwrap();
            let fate = state.fates.get(state.asked).or(state.fates.last()).copied().unwrap();
            state.asked += 1;
            if !matches!(fate, Fate::Refused(..)) {
                state.taken.push(request.body().bytes().unwrap().to_vec());
            }
            fate
        };
        HttpConnectorFuture::new(async move {
            match fate {
                Fate::Taken(late) => {
                    tokio::time::sleep(Duration::from_millis(late)).await;
                    Ok(answer(200, &[0xa0]))
                }
                Fate::TakenAndLost => Err(ConnectorError::io("connection reset by peer".into())),
                Fate::TakenAndHidden => {
                    let page = SdkBody::from("<html>welcome</html>");
                    Ok(HttpResponse::new(StatusCode::try_from(200).unwrap(), page))
                }
                Fate::Refused(status, code) => Ok(answer(status, &error(code))),
            }
        })
    }
}

fn answer(status: u16, body: &[u8]) -> HttpResponse {
    let mut answer =
        HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body.to_vec()));
    answer.headers_mut().insert("smithy-protocol", "rpc-v2-cbor");
    answer.headers_mut().insert("content-type", "application/cbor");
    answer
}

/// `{"__type": code}` in CBOR.
fn error(code: &str) -> Vec<u8> {
    let mut cbor = vec![0xa1, 0x66];
    cbor.extend(b"__type");
    cbor.extend([0x78, u8::try_from(code.len()).unwrap()]);
    cbor.extend(code.as_bytes());
    cbor
}

/// How long something takes on tokio's clock.
pub async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let begun = Instant::now();
    let done = work.await;
    (done, begun.elapsed())
}
