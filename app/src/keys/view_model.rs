//! What the page of API keys says, as pure functions. No views here.

use crate::contract::values::DisplayName;
use crate::contract::{RouteRow, Rule};

/// Which routes a key may use, in few words.
#[must_use]
pub fn reach(routes: &[String]) -> String {
    match routes {
        [] => "All routes".to_owned(),
        few if few.len() <= 3 => few.join(", "),
        [first, second, rest @ ..] => format!("{first}, {second} and {} more", rest.len()),
        [only] => only.clone(),
    }
}

/// One route to tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The slug, or the id of a route that is gone.
    pub value: String,
    pub name: String,
    pub chosen: bool,
}

/// The workspace's routes, then those that are gone and still among `chosen`.
#[must_use]
pub fn choices(routes: Vec<RouteRow>, chosen: &[String]) -> Vec<Choice> {
    let gone = chosen.iter().filter(|value| routes.iter().all(|route| route.slug != **value));
    let gone: Vec<_> = gone.map(|value| Choice { value: value.clone(), name: "Deleted route".to_owned(), chosen: true }).collect();
    let there = routes.into_iter().map(|route| Choice { chosen: chosen.contains(&route.slug), value: route.slug, name: route.name });
    there.chain(gone).collect()
}

/// The secret's beginning as the list shows it.
#[must_use]
pub fn masked(prefix: &str) -> String {
    format!("{prefix}…")
}

/// # Errors
/// The rule the text breaks.
pub fn check_name(text: &str) -> Result<(), Rule> {
    DisplayName::parse(text).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_that_is_gone_stays_ticked() {
        let route = |slug: &str| RouteRow {
            id: uuid::Uuid::nil(),
            slug: slug.to_owned(),
            name: slug.to_uppercase(),
            enabled: true,
            target: None,
            environments: Vec::new(),
        };
        let choice = |value: &str, name: &str, chosen| Choice { value: value.to_owned(), name: name.to_owned(), chosen };
        let found = choices(vec![route("a"), route("b")], &["b".to_owned(), "0190".to_owned()]);
        assert_eq!(found, [choice("a", "A", false), choice("b", "B", true), choice("0190", "Deleted route", true)]);
        assert!(choices(Vec::new(), &[]).is_empty());
    }

    #[test]
    fn reach_stays_short() {
        let slugs = |n: usize| (0..n).map(|i| format!("r{i}")).collect::<Vec<_>>();
        assert_eq!(reach(&slugs(0)), "All routes");
        assert_eq!(reach(&slugs(1)), "r0");
        assert_eq!(reach(&slugs(3)), "r0, r1, r2");
        assert_eq!(reach(&slugs(12)), "r0, r1 and 10 more");
    }
}
