//! What the page of API keys says, as pure functions. No views here.

use crate::contract::Rule;
use crate::contract::values::DisplayName;

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
    fn reach_stays_short() {
        let slugs = |n: usize| (0..n).map(|i| format!("r{i}")).collect::<Vec<_>>();
        assert_eq!(reach(&slugs(0)), "All routes");
        assert_eq!(reach(&slugs(1)), "r0");
        assert_eq!(reach(&slugs(3)), "r0, r1, r2");
        assert_eq!(reach(&slugs(12)), "r0, r1 and 10 more");
    }
}
