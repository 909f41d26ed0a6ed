//! The end of a thing, at the end of its page: what it means, and a dialog in which its name has to be typed.

use leptos::prelude::*;
use leptos::server_fn::client::Client;
use leptos::server_fn::codec::PostUrl;
use leptos::server_fn::request::ClientReq;
use leptos::server_fn::{Http, ServerFn};
use serde::de::DeserializeOwned;

use super::button::{Button, ButtonKind};
use super::card::Card;
use super::confirm_dialog::ConfirmDialog;
use super::form_errors::{ActionError, error_of, field_error};
use super::kept_form::KeptForm;
use super::text_field::TextField;
use crate::contract::{ApiError, Field};

/// The words of a [`DeleteCard`].
#[derive(Clone, Copy, Debug)]
pub struct DeleteWords {
    /// "Delete this route".
    pub title: &'static str,
    /// "Delete route".
    pub button: &'static str,
    /// What happens to whoever uses it.
    pub means: &'static str,
    /// What goes with it.
    pub takes_along: &'static str,
}

/// The card. The action takes the fields of `about` and `confirmation`.
#[component]
pub fn DeleteCard<S, O>(
    /// Unique on the page: `delete-route`.
    id: &'static str,
    words: DeleteWords,
    /// What has to be typed.
    expected: String,
    action: ServerAction<S>,
    about: Vec<(&'static str, String)>,
) -> impl IntoView
where
    S: DeserializeOwned + ServerFn<Protocol = Http<PostUrl, O>, Error = ApiError> + Clone + Send + Sync + 'static,
    S::Output: Send + Sync + 'static,
    S::Client: Client<ApiError>,
    <<S::Client as Client<ApiError>>::Request as ClientReq<ApiError>>::FormData: From<web_sys::FormData>,
    O: 'static,
{
    let value = action.value();
    let DeleteWords { title, button, means, takes_along } = words;
    view! {
        <Card>
            <div class="flex flex-wrap items-center justify-between gap-x-6 gap-y-3 px-5 py-4">
                <div class="min-w-0">
                    <h2 class="text-sm font-semibold text-ink">{title}</h2>
                    <p class="mt-0.5 text-small text-muted">{means}</p>
                </div>
                <ConfirmDialog id trigger_label=button title>
                    <p>{takes_along} " Type " <code class="font-mono break-words text-ink">{expected}</code> " to confirm."</p>
                    <KeptForm action about>
                        <div class="space-y-4">
                            <ActionError error=error_of(value)/>
                            <TextField
                                label=Field::Confirmation.label()
                                name="confirmation"
                                mono=true
                                required=true
                                error=field_error(value, Field::Confirmation)
                            />
                            <Button kind=ButtonKind::Danger submit=true pending=action.pending()>
                                {button}
                            </Button>
                        </div>
                    </KeptForm>
                </ConfirmDialog>
            </div>
        </Card>
    }
}
