//! Why a call is not passed on, as the caller is told: a code for programs and words for people.

use http::StatusCode;

use crate::gateway::refusal::Refusal;

/// What an agent's limits say of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub(super) enum Denied {
    InvalidJson,
    MediaType,
    Path,
    Repeated,
    Spelling,
    ModelMissing,
    Model,
    TokensMissing,
    Tokens,
    UsageMissing,
}

impl Denied {
    /// As the caller is told, and as `error.type` of a call that was begun.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::InvalidJson => "invalid_json",
            Self::MediaType => "unsupported_media_type",
            Self::Path => "path_not_allowed",
            Self::Repeated => "member_repeated",
            Self::Spelling => "member_misspelled",
            Self::ModelMissing => "model_required",
            Self::Model => "model_not_allowed",
            Self::TokensMissing => "max_tokens_required",
            Self::Tokens => "max_tokens_exceeded",
            Self::UsageMissing => "usage_required",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Path | Self::Model => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    const fn message(self) -> &'static str {
        match self {
            Self::InvalidJson => "This agent has limits, so the request's body must be one JSON object",
            Self::MediaType => "This agent has limits, so the request's content type must be application/json",
            Self::Path => "This agent has limits, and what this path asks for can't be held against them",
            Self::Repeated => "A member that the agent's limits are about is given more than once",
            Self::Spelling => "A member that the agent's limits are about is written in other than lower case",
            Self::ModelMissing => "This agent allows certain models only; name one as model, in a text",
            Self::Model => "This agent does not allow this model",
            Self::TokensMissing => {
                "This agent limits the answer's tokens; ask for a whole number of them, as max_tokens or as this path calls it"
            }
            Self::Tokens => "This asks for more tokens in its answer than the agent allows",
            Self::UsageMissing => "This agent counts tokens; a stream must be asked for with stream_options.include_usage true",
        }
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        Self::coded(denied.status(), denied.code(), denied.message())
    }
}
