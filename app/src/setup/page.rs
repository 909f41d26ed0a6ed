//! `/setup?token=…`.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::api::{CompleteSetup, load_setup_link};
use crate::contract::values::{Email, Password};
use crate::contract::{ApiError, Field, SetupLink};
use crate::layout::Door;
use crate::ui::{ActionError, Button, ButtonKind, KeptForm, LinkButton, TextField, error_of, field_error};

/// The page behind a one-time link.
#[component]
pub fn SetupPage() -> impl IntoView {
    let query = use_query_map();
    let token = Memo::new(move |_| query.with(|query| query.get("token").unwrap_or_default()));
    let link = Resource::new_blocking(move || token.get(), load_setup_link);
    let complete = ServerAction::<CompleteSetup>::new();
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                match link.await {
                    Ok(SetupLink::FirstOperator) => view! {
                        <Door title="Create the operator account" text="The operator sees the whole gateway and every workspace.">
                            <SetupForm complete token=token.get_untracked() email=None/>
                        </Door>
                    }.into_any(),
                    Ok(SetupLink::Invitation { email }) => view! {
                        <Door title="Choose your password" text=format!("For {email}")>
                            <SetupForm complete token=token.get_untracked() email=Some(email)/>
                        </Door>
                    }.into_any(),
                    Ok(SetupLink::Invalid) | Err(ApiError::LinkInvalid) => view! { <InvalidLink/> }.into_any(),
                    Err(error) => view! {
                        <Door title="This link could not be checked" text=error.to_string()>
                            <LinkButton href="/sign-in">"Go to sign in"</LinkButton>
                        </Door>
                    }.into_any(),
                }
            })}
        </Suspense>
    }
}

/// `email` is given when the account exists already.
#[component]
fn SetupForm(complete: ServerAction<CompleteSetup>, token: String, email: Option<String>) -> impl IntoView {
    let invited = email.is_some();
    // Built inside the form, where its draft is.
    let email = move || match email {
        // Hidden, but still there for password managers.
        Some(email) => view! { <input type="hidden" name="email" value=email autocomplete="username"/> }.into_any(),
        None => view! {
            <TextField
                label="Email"
                name="email"
                kind="email"
                autocomplete="username"
                required=true
                validate=|text| Email::parse(text).map(drop)
                error=field_error(complete.value(), Field::Email)
            />
        }
        .into_any(),
    };
    view! {
        <KeptForm action=complete>
            <div class="space-y-4">
                <ActionError error=error_of(complete.value())/>
                <input type="hidden" name="token" value=token/>
                {email()}
                <TextField
                    label="Password"
                    name="password"
                    kind="password"
                    autocomplete="new-password"
                    required=true
                    help="At least 12 characters. A sentence works well."
                    validate=|text| Password::parse(text).map(drop)
                    error=field_error(complete.value(), Field::Password)
                />
                <div class="grid pt-1">
                    <Button kind=ButtonKind::Primary submit=true pending=complete.pending()>
                        {if invited { "Set password" } else { "Create account" }}
                    </Button>
                </div>
            </div>
        </KeptForm>
    }
}

#[component]
fn InvalidLink() -> impl IntoView {
    view! {
        <Door title="This link does not work" text="It has been used, has expired, or was never valid.">
            <p class="text-sm text-muted">
                "Ask whoever invited you for a new one. To set up a new installation, restart "
                <code class="font-mono text-small">"knoxcall serve"</code>
                ": while there is no operator it prints a fresh link."
            </p>
            <LinkButton href="/sign-in">"Go to sign in"</LinkButton>
        </Door>
    }
}
