//! Numbers in words.

/// `1204` as `1,204`.
#[must_use]
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// "1 record", "1,204 records".
#[must_use]
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_in_groups_of_three() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567"), (12_345_678, "12,345,678")] {
            assert_eq!(thousands(number), text);
        }
    }

    #[test]
    fn one_is_said_otherwise_than_none_and_many() {
        assert_eq!(counted(0, "route", "routes"), "0 routes");
        assert_eq!(counted(1, "route", "routes"), "1 route");
        assert_eq!(counted(1_204, "route", "routes"), "1,204 routes");
    }
}
