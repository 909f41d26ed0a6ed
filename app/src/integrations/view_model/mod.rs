//! What the export cards say, as pure functions of what the server answered and of what is typed. No views here.

mod failure;
mod form;
mod health;
mod history;
mod state;

pub use failure::{failure_sentence, outcome_word, still_failing_sentence, test_heading, test_sentence};
pub use form::{
    check_endpoint, check_headers, check_service_name, header_rows, header_text, on_off, origin_changed, secret_words, signal_urls,
    temporality_words,
};
pub use health::{
    bytes_words, counts, disk_problem_sentence, disk_sentence, drop_reason, failed_in, hour_counts, hour_drops, other_key_sentence,
    overflow_sentence,
};
pub use history::{cause_words, change_words};
pub use state::{announcement, going_on_words, live_fact, saved_message};
