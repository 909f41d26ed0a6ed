//! A route's name and limits: the form, and the same values to be read by a viewer.

use leptos::prelude::*;

use super::page::Actions;
use super::view_model::{
    RouteForm, check_body_limit, check_connect_timeout, check_methods, check_name, check_rate_limit, check_response_timeout,
};
use crate::contract::{Field, RouteDetail};
use crate::ui::{
    ActionError, Card, CardHeader, Fact, Facts, FormFoot, KeptForm, TextField, counted, error_of, field_error, form_reset_by, thousands,
};

/// The form.
#[component]
pub fn SettingsForm(slug: String, detail: RouteDetail, actions: Actions) -> impl IntoView {
    let form = RouteForm::of(&detail.name, &detail.settings);
    let value = actions.update.value();
    let node_ref = form_reset_by(actions.updates);
    view! {
        <Card>
            <CardHeader title="Settings" subtitle="What the route lets through. A change applies to new requests at once."/>
            <KeptForm action=actions.update about=vec![("workspace", slug), ("route", detail.slug)] node_ref>
                <div class="max-w-[640px] space-y-5 p-5">
                    <ActionError error=error_of(value)/>
                    <TextField
                        label=Field::Name.label()
                        name="form[name]"
                        value=form.name
                        required=true
                        error=field_error(value, Field::Name)
                        validate=check_name
                    />
                    <TextField
                        label=Field::Methods.label()
                        name="form[methods]"
                        value=form.methods
                        help="In capitals with commas between them. Leave it empty to allow all."
                        placeholder="GET, POST"
                        optional=true
                        mono=true
                        error=field_error(value, Field::Methods)
                        validate=check_methods
                    />
                    <div class="grid items-start gap-5 wide:grid-cols-2">
                        <Number
                            label=Field::ConnectTimeout.label()
                            name="form[connect_timeout_ms]"
                            value=form.connect_timeout_ms
                            help="Milliseconds, 1 to 120,000. Default 5,000."
                            error=field_error(value, Field::ConnectTimeout)
                            validate=check_connect_timeout
                        />
                        <Number
                            label=Field::ResponseTimeout.label()
                            name="form[response_timeout_ms]"
                            value=form.response_timeout_ms
                            help="Milliseconds until response headers, 1 to 3,600,000. Default 60,000."
                            error=field_error(value, Field::ResponseTimeout)
                            validate=check_response_timeout
                        />
                        <Number
                            label=Field::BodyLimit.label()
                            name="form[body_limit_mib]"
                            value=form.body_limit_mib
                            help="MiB, 0 to 10,240. Default 100."
                            error=field_error(value, Field::BodyLimit)
                            validate=check_body_limit
                        />
                        <Number
                            label=Field::RateLimit.label()
                            name="form[rate_limit_per_s]"
                            value=form.rate_limit_per_s
                            help="Requests per second over the whole route. 0 means unlimited."
                            error=field_error(value, Field::RateLimit)
                            validate=check_rate_limit
                        />
                    </div>
                </div>
                <FormFoot label="Save" pending=actions.update.pending()/>
            </KeptForm>
        </Card>
    }
}

/// A number is a text field with figures: `type=number` would swallow what it can't read before anybody can say why.
#[component]
fn Number(
    label: &'static str,
    name: &'static str,
    value: String,
    help: &'static str,
    error: Signal<Option<String>>,
    validate: crate::ui::Validator,
) -> impl IntoView {
    view! { <TextField label name value help error validate mono=true/> }
}

/// The same values for a viewer.
#[component]
pub fn Limits(detail: RouteDetail) -> impl IntoView {
    let form = RouteForm::of(&detail.name, &detail.settings);
    let methods = if form.methods.is_empty() { "All".to_owned() } else { form.methods };
    let rate = match detail.settings.rate_limit_per_s {
        0 => "Unlimited".to_owned(),
        rate => format!("{} per second", counted(u64::from(rate), "request", "requests")),
    };
    view! {
        <Card>
            <CardHeader title="Settings" subtitle="Your role may look at these but not change them."/>
            <Facts>
                <Fact label=Field::Methods.label()>{methods}</Fact>
                <Fact label=Field::ConnectTimeout.label()>{thousands(u64::from(detail.settings.connect_timeout_ms))} " ms"</Fact>
                <Fact label=Field::ResponseTimeout.label()>{thousands(u64::from(detail.settings.response_timeout_ms))} " ms"</Fact>
                <Fact label=Field::BodyLimit.label()>{form.body_limit_mib} " MiB"</Fact>
                <Fact label=Field::RateLimit.label()>{rate}</Fact>
            </Facts>
        </Card>
    }
}
