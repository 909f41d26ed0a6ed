//! The icons: 16-pixel strokes in the text's colour, drawn inline so that nothing is fetched. Always decoration beside a
//! word; what an icon means is never said by the icon alone.

use leptos::prelude::*;

/// Which icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IconName {
    Building,
    Check,
    ChevronDown,
    ChevronRight,
    ChevronsUpDown,
    Circle,
    Close,
    Copy,
    Cross,
    External,
    Gauge,
    Globe,
    Info,
    Key,
    List,
    Lock,
    Menu,
    Moon,
    Monitor,
    Pause,
    Plug,
    Plus,
    Pulse,
    Route,
    Search,
    Send,
    SignOut,
    Spark,
    Sun,
    User,
    Users,
    Warning,
}

impl IconName {
    const fn path(self) -> &'static str {
        match self {
            Self::Building => "M3 14V2.5h7V14M10 6h3v8M1.5 14h13M5.5 5h2M5.5 8h2M5.5 11h2",
            Self::Check => "m3 8.5 3.25 3.25L13 4.75",
            Self::ChevronDown => "m4 6 4 4 4-4",
            Self::ChevronRight => "m6 4 4 4-4 4",
            Self::ChevronsUpDown => "m5 6 3-3 3 3M5 10l3 3 3-3",
            Self::Circle => "M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11Z",
            Self::Close => "m4 4 8 8M12 4l-8 8",
            Self::Copy => "M6 5.5h7.5v8H6zM10 5.5v-3H2.5v8H6",
            Self::Cross => "M8 14.25a6.25 6.25 0 1 0 0-12.5 6.25 6.25 0 0 0 0 12.5ZM5.75 5.75l4.5 4.5M10.25 5.75l-4.5 4.5",
            Self::External => "M6.5 3.5h-4v10h10v-4M9.5 2.5h4v4M13.5 2.5 7.5 8.5",
            Self::Gauge => "M2.5 12.5a6 6 0 1 1 11 0M8 9.5l2.5-3",
            Self::Globe => {
                "M8 14.25a6.25 6.25 0 1 0 0-12.5 6.25 6.25 0 0 0 0 12.5ZM1.75 8h12.5M8 1.75c4 4 4 8.5 0 12.5M8 1.75c-4 4-4 8.5 0 12.5"
            }
            Self::Info => "M8 14.25a6.25 6.25 0 1 0 0-12.5 6.25 6.25 0 0 0 0 12.5ZM8 7.25v3.75M8 4.9v.1",
            Self::Key => "M10.25 9.5a3.75 3.75 0 1 0-3.6-2.7L2 11.5V14h2.5v-1.75h1.75V10.5l.9-1a3.7 3.7 0 0 0 3.1 0ZM11.2 4.8v.1",
            Self::List => "M5.5 4h8M5.5 8h8M5.5 12h8M2.5 4h.1M2.5 8h.1M2.5 12h.1",
            Self::Lock => "M3.5 7h9v7h-9zM5.25 7V4.75a2.75 2.75 0 0 1 5.5 0V7",
            Self::Menu => "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
            Self::Moon => "M13.5 9.6A5.75 5.75 0 0 1 6.4 2.5a5.75 5.75 0 1 0 7.1 7.1Z",
            Self::Monitor => "M2 3h12v8H2zM5.5 13.5h5M8 11v2.5",
            Self::Pause => "M5.5 3.5v9M10.5 3.5v9",
            Self::Plug => "M5.5 1.75v3.5M10.5 1.75v3.5M3.5 5.25h9V8a4.5 4.5 0 0 1-9 0zM8 12.5v2",
            Self::Plus => "M8 3v10M3 8h10",
            Self::Pulse => "M1.5 8.5h3l2-5.5 3 10 2-4.5h3",
            Self::Route => {
                "M3.5 5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3ZM12.5 14a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3ZM5 3.5h5a2.25 2.25 0 0 1 0 4.5H6a2.25 2.25 0 0 0 0 4.5h5"
            }
            Self::Search => "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.4 10.4 14 14",
            Self::Send => "M14 2 7 9M14 2 9.5 14 7 9 2 6.5z",
            Self::SignOut => "M6.5 2.5h-4v11h4M6 8h8M11 5l3 3-3 3",
            Self::Spark => "M8 1.5 9.6 6.4 14.5 8 9.6 9.6 8 14.5 6.4 9.6 1.5 8 6.4 6.4z",
            Self::Sun => {
                "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3.05 3.05l1.06 1.06M11.9 11.9l1.05 1.05M3.05 12.95l1.06-1.06M11.9 4.1l1.05-1.05"
            }
            Self::User => "M8 7.5a2.75 2.75 0 1 0 0-5.5 2.75 2.75 0 0 0 0 5.5ZM2.5 14c.4-2.8 2.5-4.25 5.5-4.25s5.1 1.45 5.5 4.25",
            Self::Users => {
                "M6 7.5A2.5 2.5 0 1 0 6 2.5a2.5 2.5 0 0 0 0 5ZM1 13.5c.3-2.6 2.1-4 5-4s4.7 1.4 5 4M10.5 2.7a2.5 2.5 0 0 1 0 4.6M12.5 9.9c1.5.6 2.3 1.8 2.5 3.6"
            }
            Self::Warning => "M8 2 1.5 13.5h13zM8 6.5v3.25M8 11.6v.1",
        }
    }
}

/// One icon, hidden from screen readers.
#[component]
pub fn Icon(name: IconName) -> impl IntoView {
    view! {
        <svg
            class="size-4 shrink-0"
            viewBox="0 0 16 16"
            fill="none"
            stroke="currentColor"
            stroke-width="1.5"
            stroke-linecap="round"
            stroke-linejoin="round"
            aria-hidden="true"
            focusable="false"
        >
            <path d=name.path()></path>
        </svg>
    }
}
