//! How a delivery proves where it comes from. Only the fields of the way that is chosen are shown; the style sheet does that, so
//! that it is the same without scripts, and a browser that can't do it shows them all.

use leptos::prelude::*;

use super::form::Initial;
use super::view_model::{check_header, check_user};
use crate::contract::Field;
use crate::contract::values::WebhookAuth;
use crate::integrations::Answer;
use crate::ui::{SecretField, Select, TextField, field_error};

/// The choice and what belongs to it.
#[component]
pub(super) fn AuthFields(initial: Initial, answer: Answer) -> impl IntoView {
    view! {
        <div class="group/auth space-y-5">
            <Select
                label=Field::WebhookAuth.label()
                name="form[auth]"
                value=initial.auth.name()
                options=WebhookAuth::ALL.iter().map(|one| (one.name().to_owned(), one.label().to_owned())).collect()
                help="Deliveries are signed with the webhook's signing secret, in every case but None; the others send a credential besides."
                error=field_error(answer, Field::WebhookAuth)
            />
            <div class="group-has-[option[value=bearer]:checked]/auth:hidden group-has-[option[value=header]:checked]/auth:hidden group-has-[option[value=hmac]:checked]/auth:hidden group-has-[option[value=none]:checked]/auth:hidden">
                <TextField
                    label=Field::AuthUser.label()
                    name="form[auth_user]"
                    value=initial.auth_user
                    help="Counts with Basic."
                    error=field_error(answer, Field::AuthUser)
                    validate=check_user
                />
            </div>
            <div class="group-has-[option[value=basic]:checked]/auth:hidden group-has-[option[value=bearer]:checked]/auth:hidden group-has-[option[value=hmac]:checked]/auth:hidden group-has-[option[value=none]:checked]/auth:hidden">
                <TextField
                    label=Field::AuthHeader.label()
                    name="form[auth_header]"
                    value=initial.auth_header
                    help="Counts with a header of your own."
                    placeholder="X-Api-Key"
                    mono=true
                    error=field_error(answer, Field::AuthHeader)
                    validate=check_header
                />
            </div>
            <div class="group-has-[option[value=hmac]:checked]/auth:hidden group-has-[option[value=none]:checked]/auth:hidden">
                <SecretField
                    label=Field::AuthSecret.label()
                    name="form[auth_secret]"
                    secret=initial.auth_secret
                    help="The password of Basic, the bearer token, or the value of the header; encrypted at rest."
                    required=true
                    error=field_error(answer, Field::AuthSecret)
                />
            </div>
        </div>
    }
}
