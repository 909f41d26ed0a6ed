//! One line of text. In the browser the field's own rule is checked when it is left, by the same parser as the server's.

use leptos::prelude::*;

use super::field_frame::{CONTROL, FieldFrame, control_id, described_by};
use super::kept_form::FormDraft;
use super::press;
use crate::contract::{Rule, Variable};

/// A parser of the contract, reduced to whether it takes the text.
pub type Validator = fn(&str) -> Result<(), Rule>;

/// The server's error until the text is checked here, then what this check says.
#[derive(Clone, Copy)]
pub(super) struct Checked {
    here: RwSignal<Option<Option<String>>>,
    pub error: Signal<Option<String>>,
}

impl Checked {
    pub(super) fn new(from_server: Signal<Option<String>>) -> Self {
        let here = RwSignal::new(None::<Option<String>>);
        // A new answer of the server replaces what was said here before.
        Effect::new(move |_| {
            from_server.track();
            here.set(None);
        });
        Self { here, error: Signal::derive(move || here.get().unwrap_or_else(|| from_server.get())) }
    }

    /// Called when the field is left. Where it is left for something that is pressed, what there is to say is said afterwards.
    pub(super) fn check(self, text: &str, validate: Option<Validator>) {
        if let Some(validate) = validate {
            let said = validate(text).err().map(|rule| sentence(&rule.to_string()));
            // Later, because a field is left, too, when its page is taken away with the focus in it: then nobody is there any more.
            press::afterwards(move || drop(self.here.try_set(Some(said))));
        }
    }

    /// While somebody corrects a text, an error is taken back as soon as the text is right, and none is added.
    pub(super) fn recheck(self, text: &str, validate: Option<Validator>) {
        if self.error.get_untracked().is_some() && validate.is_none_or(|validate| validate(text).is_ok()) {
            self.here.set(Some(None));
        }
    }
}

/// A rule's words as a sentence of their own.
pub(super) fn sentence(rule: &str) -> String {
    let mut letters = rule.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A labelled line of text.
#[component]
pub fn TextField(
    label: &'static str,
    name: &'static str,
    #[prop(optional, into)] value: String,
    #[prop(optional)] help: &'static str,
    /// `text`, `url`, `email`, `password`, `number` or `search`.
    #[prop(default = "text")]
    kind: &'static str,
    /// What the server said about this field; see [`super::field_error`].
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    #[prop(optional_no_strip, into)] managed_by: Option<Variable>,
    #[prop(optional)] required: bool,
    /// Marks the field as one that may stay empty.
    #[prop(optional)]
    optional: bool,
    #[prop(optional)] placeholder: &'static str,
    #[prop(default = "off")] autocomplete: &'static str,
    /// For what is read letter by letter: URLs, slugs, header names.
    #[prop(optional)]
    mono: bool,
    #[prop(optional)] validate: Option<Validator>,
    /// Needed where two forms of one page have a field of the same name.
    #[prop(optional, into)]
    id: String,
) -> impl IntoView {
    let id = control_id(id, name);
    let checked = Checked::new(error);
    let described = described_by(&id);
    let draft = FormDraft::here();
    let (value, again) = (draft.text_or(name, value), draft.left_out(name));
    view! {
        <FieldFrame id=id.clone() label help error=checked.error managed_by optional again>
            <input
                id=id
                name=name
                type=kind
                value=value
                class=CONTROL
                class:font-mono=mono
                required=required
                readonly=managed_by.is_some()
                placeholder=(!placeholder.is_empty()).then_some(placeholder)
                autocomplete=autocomplete
                spellcheck="false"
                autocapitalize="none"
                aria-describedby=described
                aria-invalid=move || checked.error.get().is_some().then_some("true")
                on:blur:target=move |event| checked.check(&event.target().value(), validate)
                on:input:target=move |event| checked.recheck(&event.target().value(), validate)
            />
        </FieldFrame>
    }
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn a_rule_becomes_a_sentence() {
        assert_eq!(sentence("fill this in."), "Fill this in.");
        assert_eq!(sentence(""), "");
    }
}
