//! `/account`: who one is, and a new password.

use leptos::html;
use leptos::prelude::*;

use super::api::ChangePassword;
use crate::contract::values::Password;
use crate::contract::{ApiError, Field};
use crate::layout::use_viewer;
use crate::ui::{ActionError, Button, ButtonKind, Card, CardHeader, KeptForm, PageHeader, TextField, error_of, field_error};

/// The account page.
#[component]
pub fn AccountPage() -> impl IntoView {
    let viewer = use_viewer();
    let change = ServerAction::<ChangePassword>::new();
    let form = NodeRef::<html::Form>::new();
    // Passwords don't stay on the page once they are changed.
    Effect::new(move |_| {
        if let Some(Ok(())) = change.value().get()
            && let Some(form) = form.get_untracked()
        {
            form.reset();
        }
    });
    // The contract has one case for a wrong password; here it is about the current one alone.
    let error = error_of(change.value());
    let wrong_current = Signal::derive(move || {
        matches!(error.get(), Some(ApiError::SignInFailed)).then(|| "This is not your current password.".to_owned())
    });
    let other = Signal::derive(move || error.get().filter(|error| *error != ApiError::SignInFailed));
    view! {
        <PageHeader title="Your account"/>
        <div class="max-w-[640px]">
            <Card>
                <CardHeader title="Change password" subtitle="Your other sessions are signed out."/>
                <KeptForm action=change node_ref=form>
                    <div class="space-y-4 p-5">
                        <ActionError error=other/>
                        <Suspense>
                            {move || Suspend::new(async move {
                                let email = viewer.await.map(|viewer| viewer.email).unwrap_or_default();
                                view! { <input type="text" value=email autocomplete="username" class="hidden" readonly tabindex="-1" aria-hidden="true"/> }
                            })}
                        </Suspense>
                        <TextField
                            label="Current password"
                            name="current"
                            kind="password"
                            autocomplete="current-password"
                            required=true
                            error=wrong_current
                        />
                        <TextField
                            label="New password"
                            name="new"
                            kind="password"
                            autocomplete="new-password"
                            required=true
                            help="At least 12 characters. A sentence works well."
                            validate=|text| Password::parse(text).map(drop)
                            error=field_error(change.value(), Field::Password)
                        />
                        <Button kind=ButtonKind::Primary submit=true pending=change.pending()>
                            "Change password"
                        </Button>
                    </div>
                </KeptForm>
            </Card>
        </div>
    }
}
