//! What the page of API keys says, as pure functions. No views here.

pub const ROUTES_HELP: &str = "With none ticked the key may use every route, also later ones.";

/// The secret's beginning as the list shows it.
#[must_use]
pub fn masked(prefix: &str) -> String {
    format!("{prefix}…")
}
