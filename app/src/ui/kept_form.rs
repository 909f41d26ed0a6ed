//! A form that loses nothing: when it is refused without JavaScript, the page that follows shows what was typed.
//!
//! The server keeps the plain fields of a refused form for a moment and puts them, as a [`Draft`], into the page. This
//! form finds out whether the draft is its own, and its fields read theirs by name. With JavaScript the text simply stays
//! in the fields; then a draft is only there when the form was sent before the page had come to life.

use std::sync::Arc;

use leptos::context::Provider;
use leptos::form::ActionForm;
use leptos::html::Form;
use leptos::prelude::*;
use leptos::server::ServerActionError;
use leptos::server_fn::client::Client;
use leptos::server_fn::codec::PostUrl;
use leptos::server_fn::request::ClientReq;
use leptos::server_fn::{Http, ServerFn};
use serde::de::DeserializeOwned;

use super::form_errors::error_of;
use super::late_notice::LateAnswers;
use crate::contract::{ApiError, Draft};

/// The draft that came with this page.
#[derive(Clone)]
struct PageDraft(Arc<Draft>);

/// Takes the draft out of the page, for the whole app. An action that is made while the page is built starts with its error.
pub fn provide_draft() {
    let Some(draft) = SharedValue::new(use_context::<Draft>).into_inner() else { return };
    if !draft.error.is_empty() {
        provide_context(ServerActionError::new(&draft.function, &draft.error));
    }
    provide_context(PageDraft(Arc::new(draft)));
    let owner = Owner::current();
    // Pages that are opened later from here know nothing of it.
    Effect::new(move || {
        if let Some(owner) = &owner {
            owner.with(|| provide_context(ServerActionError::new("", "")));
        }
    });
}

/// What was typed into the form at hand before it was refused; empty otherwise.
#[derive(Clone, Default)]
pub struct FormDraft(Option<Arc<Draft>>);

impl FormDraft {
    /// The draft of the form in which a field is built.
    #[must_use]
    pub fn here() -> Self {
        use_context().unwrap_or_default()
    }

    fn of(functions: &[&str], about: &[(&'static str, String)]) -> Self {
        let page = use_context::<PageDraft>().map(|PageDraft(draft)| draft);
        Self(page).filter(|draft| {
            functions.contains(&draft.function.as_str()) && about.iter().all(|(name, text)| first(draft, name) == Some(text))
        })
    }

    fn filter(self, own: impl FnOnce(&Draft) -> bool) -> Self {
        Self(self.0.filter(|draft| own(draft)))
    }

    /// The text of a field, or `stored` where there is no draft.
    #[must_use]
    pub fn text_or(&self, name: &str, stored: String) -> String {
        if self.left_out(name) {
            return String::new();
        }
        self.0.as_ref().and_then(|draft| first(draft, name)).cloned().unwrap_or(stored)
    }

    /// Whether a box was ticked; one that is not sent was not.
    #[must_use]
    pub fn ticked_or(&self, name: &str, stored: bool) -> bool {
        self.0.as_ref().map_or(stored, |draft| first(draft, name).is_some())
    }

    /// Whether one of several boxes of the same name was ticked.
    #[must_use]
    pub fn chosen_or(&self, name: &str, value: &str, stored: bool) -> bool {
        self.0.as_ref().map_or(stored, |draft| draft.fields.iter().any(|(field, text)| field == name && text == value))
    }

    /// Whether what was typed here is not kept and has to be entered again.
    #[must_use]
    pub fn left_out(&self, name: &str) -> bool {
        self.0.as_ref().is_some_and(|draft| draft.left_out.iter().any(|field| field == name))
    }
}

fn first<'a>(draft: &'a Draft, name: &str) -> Option<&'a String> {
    draft.fields.iter().find(|(field, _)| field == name).map(|(_, text)| text)
}

/// A form of a server function. Its fields find their draft by themselves.
#[component]
pub fn KeptForm<S, O>(
    action: ServerAction<S>,
    /// Hidden fields. They say what the form is about, and so tell its draft from that of another form of the same action.
    #[prop(optional)]
    about: Vec<(&'static str, String)>,
    /// Another server function that this form can be sent to, by its path: one that only looks, such as a test.
    #[prop(optional)]
    also: Option<&'static str>,
    #[prop(default = NodeRef::new())] node_ref: NodeRef<Form>,
    children: Children,
) -> impl IntoView
where
    S: DeserializeOwned + ServerFn<Protocol = Http<PostUrl, O>, Error = ApiError> + Clone + Send + Sync + 'static,
    S::Output: Send + Sync + 'static,
    S::Client: Client<ApiError>,
    <<S::Client as Client<ApiError>>::Request as ClientReq<ApiError>>::FormData: From<web_sys::FormData>,
    O: 'static,
{
    // Only as long as what came with it is the last word.
    let refused = action.value().with_untracked(|value| matches!(value, Some(Err(_))));
    let untouched = action.version().get_untracked() == 0;
    let functions = [S::PATH, also.unwrap_or(S::PATH)];
    let draft = FormDraft::of(&functions, &about).filter(|draft| untouched && (refused || also == Some(draft.function.as_str())));
    let hidden = about.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value/> }).collect_view();
    let late = use_context::<LateAnswers>();
    let sent = move |_| {
        if let Some(late) = &late {
            let owner = late.owner();
            let (version, error) = owner.with(|| (action.version(), error_of(action.value())));
            late.follow(owner, version, error);
        }
    };
    view! {
        <ActionForm action node_ref on:submit=sent>
            {hidden}
            <Provider value=draft>{children()}</Provider>
        </ActionForm>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> FormDraft {
        FormDraft(Some(Arc::new(Draft {
            function: "/api/keys/create".to_owned(),
            error: String::new(),
            fields: [("name", ""), ("routes[]", "a"), ("routes[]", "b")].map(|(name, text)| (name.to_owned(), text.to_owned())).into(),
            left_out: vec!["secret".to_owned()],
        })))
    }

    #[test]
    fn a_field_shows_what_was_typed_even_if_that_is_nothing() {
        assert_eq!(draft().text_or("name", "stored".to_owned()), "");
        assert_eq!(draft().text_or("other", "stored".to_owned()), "stored");
        assert_eq!(draft().text_or("secret", "stored".to_owned()), "");
        assert_eq!(FormDraft::default().text_or("name", "stored".to_owned()), "stored");
    }

    #[test]
    fn a_box_that_was_not_sent_was_not_ticked() {
        assert!(!draft().ticked_or("on", true));
        assert!(FormDraft::default().ticked_or("on", true));
        assert!(draft().chosen_or("routes[]", "b", false) && !draft().chosen_or("routes[]", "c", true));
        assert!(FormDraft::default().chosen_or("routes[]", "b", true));
    }
}
