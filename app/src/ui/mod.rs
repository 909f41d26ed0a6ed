//! The console's components: one per file, small, and alike in their words for alike things.
//!
//! They know the contract's errors and values, but no server function and no page. Class strings are written whole,
//! because Tailwind finds classes by reading the source. No `style` attribute anywhere: the content security policy
//! forbids inline styles. Everything here works without JavaScript; what scripts add is said in each file.

mod badge;
mod boundary;
mod button;
mod card;
mod clipboard;
mod clock;
mod code;
mod collection;
mod confirm_dialog;
mod create_page;
mod delete_card;
mod empty_state;
mod error_view;
mod facts;
mod field_frame;
mod fieldset;
mod focus;
mod form_errors;
mod form_foot;
mod icon;
mod kept_form;
mod late_notice;
mod live;
mod notice;
mod number;
mod page_header;
mod refresh;
mod secret_field;
mod select;
mod shown_once;
mod skeleton;
mod status_pill;
mod table;
mod text_area;
mod text_field;
mod time;
mod toggle;

pub use badge::Badge;
pub use boundary::Boundary;
pub use button::{Button, ButtonKind, LinkButton};
pub use card::{Card, CardHeader};
pub use clock::provide_clock;
pub use code::{CodeBlock, CopyText};
pub use collection::{Collection, CollectionWords};
pub use confirm_dialog::ConfirmDialog;
pub use create_page::{CreatePage, CreateWords};
pub use delete_card::{DeleteCard, DeleteWords};
pub use empty_state::EmptyState;
pub use error_view::ErrorView;
pub use facts::{Fact, Facts};
pub use fieldset::FieldSet;
pub use focus::focus;
pub use form_errors::{ActionError, error_of, field_error, on_new_query};
pub use form_foot::FormFoot;
pub use icon::{Icon, IconName};
pub use kept_form::{FormDraft, KeptForm, provide_draft};
pub use late_notice::{LateAnswer, LateAnswers, SentFrom, provide_late_answers};
pub use live::{Live, NotLive, follow};
pub use notice::{Notice, NoticeKind, SavedNotice};
pub use number::{counted, thousands};
pub use page_header::PageHeader;
pub use refresh::{form_reset_by, form_reset_for, held, is_for_another, successes, together};
pub use secret_field::SecretField;
pub use select::Select;
pub use shown_once::ShownOnceNotice;
pub use skeleton::Skeleton;
pub use status_pill::{PillState, StatusPill};
pub use table::{Cell, Row, Table};
pub use text_area::TextArea;
pub use text_field::{TextField, Validator};
pub use time::{Time, exact_date, exact_time, field_time, parse_field_time};
pub use toggle::Toggle;
