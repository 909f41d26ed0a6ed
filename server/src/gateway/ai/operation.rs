//! What a call asks a provider to do, told from its method and path.

use http::Method;

/// A call that is one of inference, or may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) struct Operation {
    /// `gen_ai.operation.name`.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

/// How the agent's limits apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text is generated, as much as the request asks for; a stream ends with its usage only if the request says so.
    OpenAiText,
    /// Text is generated, and its usage always told.
    Text,
    /// The same, where the answer's tokens are asked for as `max_output_tokens`.
    Responses,
    /// The request names a model and asks for no tokens.
    Model,
    /// Not known: it may name a model in some other way.
    Unknown,
}

/// Paths behind an optional `v1`. Names are those of the GenAI conventions 1.41 where they have one.
const KNOWN: &[(&str, &str, Kind)] = &[
    ("chat/completions", "chat", Kind::OpenAiText),
    ("completions", "text_completion", Kind::OpenAiText),
    ("responses", "chat", Kind::Responses),
    ("messages", "chat", Kind::Text),
    ("embeddings", "embeddings", Kind::Model),
    ("images/generations", "generate_content", Kind::Model),
    ("audio/speech", "generate_content", Kind::Model),
    ("messages/count_tokens", "count_tokens", Kind::Model),
    ("moderations", "moderation", Kind::Model),
    ("rerank", "rerank", Kind::Model),
];
/// Of a path that is not known.
const OTHER: &str = "other";

impl Operation {
    /// `None` for a look at the list of models. The error is that the method is not one to call a provider with.
    pub(super) fn of(method: &Method, path: &str) -> Result<Option<Self>, NotAllowed> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = path.strip_prefix("v1/").unwrap_or(path);
        if *method == Method::POST {
            let known = KNOWN.iter().find(|(known, ..)| *known == path);
            let (name, kind) = known.map_or((OTHER, Kind::Unknown), |(_, name, kind)| (*name, *kind));
            return Ok(Some(Self { name, kind }));
        }
        if matches!(*method, Method::GET | Method::HEAD) && (path == "models" || path.starts_with("models/")) {
            return Ok(None);
        }
        Err(NotAllowed)
    }
}

impl Operation {
    /// Whether its answer is as long as the request asks for.
    pub(super) const fn generates(self) -> bool {
        matches!(self.kind, Kind::OpenAiText | Kind::Text | Kind::Responses)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotAllowed;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_of_paths() {
        let post = |path| Operation::of(&Method::POST, path).unwrap().map(|operation| (operation.name, operation.kind)).unwrap();
        assert_eq!(post("/chat/completions"), ("chat", Kind::OpenAiText));
        assert_eq!(post("/v1/messages"), ("chat", Kind::Text));
        assert_eq!(post("/responses"), ("chat", Kind::Responses));
        assert_eq!(post("/embeddings"), ("embeddings", Kind::Model));
        for unknown in ["/files", "/v1/v1/messages", "/Chat/completions", "/chat/completions/", "/deployments/x/chat/completions", "/"] {
            assert_eq!(post(unknown), ("other", Kind::Unknown), "{unknown}");
        }
        for path in ["/models", "/v1/models/gpt-4o", "/models/a/b"] {
            assert_eq!(Operation::of(&Method::GET, path), Ok(None), "{path}");
        }
        for (method, path) in [(Method::GET, "/files/1"), (Method::GET, "/responses/r"), (Method::DELETE, "/models/m"), (Method::PUT, "/x")]
        {
            assert_eq!(Operation::of(&method, path), Err(NotAllowed), "{method} {path}");
        }
    }
}
