//! `/sign-in?next=…`: e-mail address and password.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::api::SignIn;
use crate::contract::Field;
use crate::layout::Door;
use crate::ui::{ActionError, Button, ButtonKind, KeptForm, TextField, error_of, field_error};

/// The sign-in page.
#[component]
pub fn SignInPage() -> impl IntoView {
    let sign_in = ServerAction::<SignIn>::new();
    let query = use_query_map();
    let next = move || query.with(|query| query.get("next").unwrap_or_default());
    view! {
        <Door title="Sign in">
            <KeptForm action=sign_in>
                <div class="space-y-4">
                    <ActionError error=error_of(sign_in.value())/>
                    <input type="hidden" name="next" value=next/>
                    <TextField
                        label="Email"
                        name="email"
                        kind="email"
                        autocomplete="username"
                        required=true
                        error=field_error(sign_in.value(), Field::Email)
                    />
                    <TextField
                        label="Password"
                        name="password"
                        kind="password"
                        autocomplete="current-password"
                        required=true
                        error=field_error(sign_in.value(), Field::Password)
                    />
                    <div class="grid pt-1">
                        <Button kind=ButtonKind::Primary submit=true pending=sign_in.pending()>
                            "Sign in"
                        </Button>
                    </div>
                </div>
            </KeptForm>
        </Door>
    }
}
