//! By Amazon SES, with the credentials that the function has.

use aws_sdk_sesv2::{
    Client,
    config::timeout::TimeoutConfig,
    error::{DisplayErrorContext, ProvideErrorMetadata},
    primitives::Blob,
    types::{EmailContent, RawMessage},
};
use domain::delivery::Outcome;
use lettre::Message;

use super::SENDING_TIME_MAX;

/// Refusals that another try meets again.
const FOR_GOOD: [&str; 2] = ["MessageRejected", "BadRequestException"];

#[derive(Debug)]
pub(super) struct Ses {
    client: Client,
}

impl Ses {
    pub(super) async fn from_env() -> Self {
        let sdk = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
        let times = TimeoutConfig::builder().operation_timeout(SENDING_TIME_MAX).build();
        let config = aws_sdk_sesv2::config::Builder::from(&sdk).timeout_config(times).build();
        Self { client: Client::from_conf(config) }
    }

    pub(super) async fn send(&self, message: &Message) -> Outcome {
        let raw = match RawMessage::builder().data(Blob::new(message.formatted())).build() {
            Ok(raw) => raw,
            Err(error) => return Outcome::Impossible(error.to_string()),
        };
        let content = EmailContent::builder().raw(raw).build();
        match self.client.send_email().content(content).send().await {
            Ok(sent) => Outcome::Delivered(sent.message_id().unwrap_or("taken").to_owned()),
            Err(error) => match error.code() {
                Some(code) if FOR_GOOD.contains(&code) => Outcome::Refused(said(code, &error)),
                Some(code) => Outcome::Failed(said(code, &error)),
                // It was not asked, or what answered was not SES.
                None => Outcome::Failed(DisplayErrorContext(error).to_string()),
            },
        }
    }
}

/// What SES said, first of all the word for it.
fn said(code: &str, error: &impl ProvideErrorMetadata) -> String {
    format!("{code}: {}", error.message().unwrap_or("it does not say why"))
}
