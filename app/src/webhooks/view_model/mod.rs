//! What the pages of webhooks say and read, as pure functions. No views here.

mod failure;
mod form;
mod state;

pub use failure::{attempt_line, failure_sentence, test_heading};
#[cfg(any(feature = "ssr", test))]
pub use form::parse_since;
pub use form::{check_header, check_headers, check_retries, check_since, check_timeout, check_url, check_user, host_of, other_origin};
pub use state::{delivery_state, events_words, included_words, state_pill, state_sentence, success_words, switch_words, untold};
