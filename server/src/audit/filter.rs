//! Which entries somebody wants to see.

use time::{Date, Month, OffsetDateTime};

use super::{Actor, Entry};

/// Blank parts mean any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// A part of the actor's address, or of `bootstrap` and `system`; case does not matter.
    pub actor: String,
    /// An action or its kind, such as `route`.
    pub action: String,
    /// A part of the resource's handle; case does not matter.
    pub resource: String,
    /// That moment included.
    pub from: Option<OffsetDateTime>,
    /// Up to that moment, not included.
    pub before: Option<OffsetDateTime>,
}

impl Filter {
    #[must_use]
    pub fn matches(&self, entry: &Entry) -> bool {
        let actor = match &entry.actor {
            Actor::User { email, .. } => email.as_str(),
            Actor::Bootstrap => "bootstrap",
            Actor::System => "system",
        };
        contains(actor, &self.actor)
            && contains(&entry.resource.handle, &self.resource)
            && self.is_action(entry.action.name())
            && self.from.is_none_or(|from| entry.at >= from)
            && self.before.is_none_or(|before| entry.at < before)
    }

    fn is_action(&self, name: &str) -> bool {
        let wanted = self.action.trim();
        wanted.is_empty() || name == wanted || name.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'))
    }
}

fn contains(text: &str, part: &str) -> bool {
    let part = part.trim().to_lowercase();
    part.is_empty() || text.to_lowercase().contains(&part)
}

/// The first moment in UTC of a day that is written as `YYYY-MM-DD`.
#[must_use]
pub fn day(text: &str) -> Option<OffsetDateTime> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let digits = |part: &str, length| part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
    if !(digits(year, 4) && digits(month, 2) && digits(day, 2)) {
        return None;
    }
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    let date = Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()?;
    Some(date.midnight().assume_utc())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::audit::{Action, Log, Resource, Told, Who};
    use crate::values::Email;

    fn entry(actor: Actor, action: Action, handle: &str, at: i64) -> Entry {
        Told::new(&Who::from(actor), Log::Global, action, Resource::new("x", handle, None)).entry(1, at)
    }

    #[test]
    fn each_part_narrows() {
        let ana = Actor::User { id: Uuid::nil(), email: Email::parse("ana@acme.test").unwrap() };
        let made = entry(ana, Action::RouteCreated, "Billing", 86_400_000);
        let key = entry(Actor::System, Action::ApiKeyCreated, "ci", 0);
        let of = |change: fn(&mut Filter)| {
            let mut filter = Filter::default();
            change(&mut filter);
            (filter.matches(&made), filter.matches(&key))
        };
        assert_eq!(of(|_| {}), (true, true));
        assert_eq!(of(|f| f.actor = " ACME ".to_owned()), (true, false));
        assert_eq!(of(|f| f.actor = "system".to_owned()), (false, true));
        assert_eq!(of(|f| f.action = "route".to_owned()), (true, false));
        assert_eq!(of(|f| f.action = "route.created".to_owned()), (true, false));
        assert_eq!(of(|f| f.action = "rout".to_owned()), (false, false), "a whole part, not a part of one");
        assert_eq!(of(|f| f.resource = "bill".to_owned()), (true, false));
        assert_eq!(of(|f| f.from = day("1970-01-02")), (true, false), "the day's first moment is in it");
        assert_eq!(of(|f| f.before = day("1970-01-02")), (false, true));
    }

    #[test]
    fn days_are_days() {
        assert_eq!(day("1970-01-02").unwrap().unix_timestamp(), 86_400);
        assert!(day("2024-02-29").is_some());
        for wrong in ["", "2023-02-29", "2024-13-01", "2024-1-1", "24-01-01", "2024-01-01T00:00", "+024-01-01", "2024-01-0x"] {
            assert!(day(wrong).is_none(), "{wrong}");
        }
    }
}
