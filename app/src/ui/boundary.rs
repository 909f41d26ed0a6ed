//! Stands around a page's content: an error in it is shown in its place, the rest of the console goes on, and error tracking
//! learns in which component it was.

use leptos::context::Provider;
use leptos::prelude::*;

use super::error_view::ErrorView;
use crate::browser_errors;
use crate::contract::ApiError;

/// The component that errors are reported under.
#[derive(Clone, Copy, Debug)]
pub(super) struct Component(pub &'static str);

/// Shows an [`ErrorView`] where something in `children` renders as `Err`.
#[component]
pub fn Boundary(
    /// The page's component, as it is called in the code.
    name: &'static str,
    children: TypedChildren<AnyView>,
) -> impl IntoView {
    if cfg!(feature = "hydrate") {
        browser_errors::on_page(name);
    }
    let children = children.into_inner();
    view! {
        <Provider value=Component(name)>
            <ErrorBoundary fallback=|errors| view! { <Caught errors/> }>{children()}</ErrorBoundary>
        </Provider>
    }
}

#[component]
fn Caught(errors: ArcRwSignal<Errors>) -> impl IntoView {
    let first = errors.with_untracked(|errors| errors.iter().next().map(|(_, error)| error.clone().into_inner()));
    first.map(|error| match error.downcast_ref::<ApiError>() {
        Some(known) => view! { <ErrorView error=known.clone()/> }.into_any(),
        None => view! { <ErrorView error=ApiError::Malformed cause=error.to_string()/> }.into_any(),
    })
}
