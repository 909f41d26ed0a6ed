//! Reads TOML tables strictly: every key must be asked for, and each complaint has the key and its line. Nothing here
//! quotes a value: the file holds passwords and credentials.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;

use thiserror::Error;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::bootstrap::Secret;
use crate::values::Rule;

/// One thing that is wrong with the file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {key}: {problem}")]
pub struct FileError {
    pub line: usize,
    /// With the tables it lies in, such as `workspace.route.slug`.
    pub key: String,
    pub problem: FileProblem,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FileProblem {
    #[error("the file can't be read: {0}")]
    Io(String),
    #[error("this is not TOML ({0})")]
    Syntax(String),
    #[error("there is no such key here")]
    Unknown,
    #[error("this is missing")]
    Missing,
    #[error("this must be {0}")]
    Type(&'static str),
    #[error("{0}")]
    Rule(#[from] Rule),
    #[error("give either this or {0}, not both")]
    Both(String),
    #[error("the environment variable {0} is not set")]
    Unset(String),
    /// Of a value that comes from there.
    #[error("the environment variable {variable}: {problem}")]
    InVariable { variable: String, problem: Box<FileProblem> },
    #[error("this is not supported yet; remove it")]
    NotSupported,
    #[error("write tk_ and at least 16 further letters or digits, or leave it out to have a key made")]
    ApiKey,
    #[error("write whsec_ and the base64 of 24 to 64 bytes, or leave it out to have a secret made")]
    SigningSecret,
    #[error("only one environment of a route can be the default")]
    TwoDefaults,
    #[error("an earlier entry has this already")]
    Duplicate,
}

/// The text, its environment, and what was found wrong so far.
pub(super) struct Source<'a> {
    pub(super) text: &'a str,
    pub(super) vars: &'a dyn Fn(&str) -> Option<String>,
    pub(super) errors: RefCell<Vec<FileError>>,
}

impl Source<'_> {
    fn line(&self, at: usize) -> usize {
        self.text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count() + 1
    }

    pub(super) fn wrong(&self, at: usize, key: String, problem: FileProblem) {
        self.errors.borrow_mut().push(FileError { line: self.line(at), key, problem });
    }
}

/// What there is for a key.
enum Given<'a> {
    InFile(&'a DeValue<'a>),
    /// The text of the environment variable that `<key>_env` names.
    InVariable(Secret),
}

fn indirect_key(key: &str) -> String {
    format!("{key}_env")
}

/// As the file has it: in quotation marks where it is no bare key, so that an empty one is seen, and a dot in one is no path.
fn written(key: &str) -> Cow<'_, str> {
    let bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if bare { Cow::Borrowed(key) } else { Cow::Owned(format!("{key:?}")) }
}

/// A table of which keys are taken one by one.
pub(super) struct Table<'a> {
    source: &'a Source<'a>,
    table: &'a DeTable<'a>,
    /// Where it starts in the text.
    at: usize,
    path: String,
    asked: BTreeSet<String>,
}

impl<'a> Table<'a> {
    pub(super) fn root(source: &'a Source<'a>, table: &'a DeTable<'a>) -> Self {
        Self { source, table, at: 0, path: String::new(), asked: BTreeSet::new() }
    }

    fn name(&self, key: &str) -> String {
        let key = written(key);
        if self.path.is_empty() { key.into_owned() } else { format!("{}.{key}", self.path) }
    }

    fn place(&self, key: &str) -> Option<(usize, &'a DeValue<'a>)> {
        let (name, value) = self.table.iter().find(|(name, _)| name.get_ref() == key)?;
        Some((name.span().start, value.get_ref()))
    }

    fn entry(&mut self, key: &str) -> Option<(usize, &'a DeValue<'a>)> {
        self.asked.insert(key.to_owned());
        self.place(key)
    }

    /// Whether there is something for `key`, here or in a variable, right or wrong.
    pub(super) fn has(&self, key: &str) -> bool {
        self.place(key).is_some() || self.place(&indirect_key(key)).is_some()
    }

    /// Complains of the value of `key`: where that comes from a variable, at the key that names it.
    pub(super) fn wrong(&self, key: &str, problem: FileProblem) {
        let indirect = indirect_key(key);
        match (self.place(key), self.place(&indirect)) {
            (None, Some((at, DeValue::String(variable)))) => {
                let problem = FileProblem::InVariable { variable: variable.to_string(), problem: Box::new(problem) };
                self.source.wrong(at, self.name(&indirect), problem);
            }
            (place, _) => self.source.wrong(place.map_or(self.at, |(at, _)| at), self.name(key), problem),
        }
    }

    /// What there is for `key`, here or in the variable that `<key>_env` names. One that is set but blank counts as unset.
    fn given(&mut self, key: &str) -> Option<Given<'a>> {
        let indirect = indirect_key(key);
        match (self.entry(key), self.entry(&indirect)) {
            (None, None) => None,
            (Some((_, value)), None) => Some(Given::InFile(value)),
            (Some(_), Some(_)) => {
                self.wrong(&indirect, FileProblem::Both(key.to_owned()));
                None
            }
            (None, Some((_, DeValue::String(variable)))) => {
                let value = (self.source.vars)(variable).filter(|value| !value.trim().is_empty());
                if value.is_none() {
                    self.wrong(&indirect, FileProblem::Unset(variable.to_string()));
                }
                value.map(|value| Given::InVariable(Secret::new(&value)))
            }
            (None, Some(_)) => {
                self.wrong(&indirect, FileProblem::Type("the name of an environment variable in quotation marks"));
                None
            }
        }
    }

    /// Complains where there is no `value`, because what was given is not as it must be.
    fn typed<T>(&self, key: &str, value: Option<T>, must_be: &'static str) -> Option<T> {
        if value.is_none() {
            self.wrong(key, FileProblem::Type(must_be));
        }
        value
    }

    pub(super) fn text(&mut self, key: &str) -> Option<Secret> {
        let text = match self.given(key)? {
            Given::InFile(DeValue::String(text)) => Some(Secret::new(text)),
            Given::InFile(_) => None,
            Given::InVariable(text) => Some(text),
        };
        self.typed(key, text, "text in quotation marks")
    }

    /// As [`Table::text`], parsed.
    pub(super) fn parsed<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T, Rule>) -> Option<T> {
        let text = self.text(key)?;
        parse(text.expose()).map_err(|rule| self.wrong(key, rule.into())).ok()
    }

    /// As [`Table::parsed`], and complains when it is missing.
    pub(super) fn required<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T, Rule>) -> Option<T> {
        if !self.has(key) {
            self.wrong(key, FileProblem::Missing);
        }
        self.parsed(key, parse)
    }

    /// In a variable without regard to case, as in those of OpenTelemetry.
    pub(super) fn boolean(&mut self, key: &str) -> Option<bool> {
        let value = match self.given(key)? {
            Given::InFile(DeValue::Boolean(value)) => Some(*value),
            Given::InFile(_) => None,
            Given::InVariable(text) => text.expose().trim().to_ascii_lowercase().parse().ok(),
        };
        self.typed(key, value, "true or false")
    }

    /// A list of texts, parsed one by one. In a variable they are separated by commas, and empty ones are left out.
    pub(super) fn list<T>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, Rule>) -> Option<Vec<T>> {
        const MUST_BE: &str = "a list of texts";
        let given = self.given(key)?;
        let parsed = |text: &str| parse(text).map_err(|rule| self.wrong(key, rule.into())).ok();
        // Each that is wrong is complained of.
        let items: Vec<Option<T>> = match given {
            Given::InFile(DeValue::Array(array)) => array
                .iter()
                .map(|item| match item.get_ref() {
                    DeValue::String(text) => parsed(text),
                    _ => self.typed(key, None, MUST_BE),
                })
                .collect(),
            Given::InFile(_) => return self.typed(key, None, MUST_BE),
            Given::InVariable(texts) => texts.expose().split(',').map(str::trim).filter(|text| !text.is_empty()).map(parsed).collect(),
        };
        items.into_iter().collect()
    }

    /// A whole number, read as the form's text would be; 0 is a blank field.
    pub(super) fn number<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T, Rule>) -> Option<T> {
        let (digits, radix) = match self.given(key)? {
            Given::InFile(DeValue::Integer(number)) => (number.as_str().to_owned(), number.radix()),
            Given::InFile(_) => return self.typed(key, None, "a whole number"),
            Given::InVariable(text) => (text.expose().trim().to_owned(), 10),
        };
        // Digits of any radix that TOML has. What is no number, or too large for this, is so for the parser.
        let decimal = i128::from_str_radix(&digits, radix).map_or(digits, |number| number.to_string());
        let text = if decimal == "0" { "" } else { decimal.as_str() };
        parse(text).map_err(|rule| self.wrong(key, rule.into())).ok()
    }

    pub(super) fn table(&mut self, key: &str) -> Option<Table<'a>> {
        match self.entry(key)? {
            (at, DeValue::Table(table)) => Some(self.inner(key, at, table)),
            _ => {
                self.wrong(key, FileProblem::Type("a table"));
                None
            }
        }
    }

    pub(super) fn tables(&mut self, key: &str) -> Vec<Table<'a>> {
        let Some((_, value)) = self.entry(key) else { return Vec::new() };
        let DeValue::Array(array) = value else {
            self.wrong(key, FileProblem::Type("a list of tables, each under [[…]]"));
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in array.iter() {
            match item.get_ref() {
                DeValue::Table(table) => tables.push(self.inner(key, item.span().start, table)),
                _ => self.wrong(key, FileProblem::Type("a list of tables, each under [[…]]")),
            }
        }
        tables
    }

    /// The names of all keys, for tables whose keys are free.
    pub(super) fn keys(&self) -> Vec<String> {
        self.table.keys().map(|key: &Spanned<_>| key.get_ref().to_string()).collect()
    }

    /// Complains about every key that nobody asked for.
    pub(super) fn finish(self) {
        for (name, _) in self.table {
            if !self.asked.contains(name.get_ref().as_ref()) {
                self.source.wrong(name.span().start, self.name(name.get_ref()), FileProblem::Unknown);
            }
        }
    }

    fn inner(&self, key: &str, at: usize, table: &'a DeTable<'a>) -> Table<'a> {
        Table { source: self.source, table, at, path: self.name(key), asked: BTreeSet::new() }
    }
}
