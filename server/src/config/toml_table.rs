//! Reads TOML tables strictly: every key must be asked for, and each complaint has the key and its line. Nothing here
//! quotes a value: the file holds passwords and credentials.

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
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn entry(&mut self, key: &str) -> Option<(usize, &'a DeValue<'a>)> {
        self.asked.insert(key.to_owned());
        let (name, value) = self.table.iter().find(|(name, _)| name.get_ref() == key)?;
        Some((name.span().start, value.get_ref()))
    }

    pub(super) fn wrong(&self, key: &str, problem: FileProblem) {
        let at = self.table.iter().find(|(name, _)| name.get_ref() == key).map_or(self.at, |(name, _)| name.span().start);
        self.source.wrong(at, self.name(key), problem);
    }

    /// The text of `key`, or of the environment variable that `<key>_env` names.
    pub(super) fn text(&mut self, key: &str) -> Option<Secret> {
        let indirect = format!("{key}_env");
        match (self.entry(key), self.entry(&indirect)) {
            (None, None) => None,
            (Some(_), Some(_)) => {
                self.wrong(&indirect, FileProblem::Both(key.to_owned()));
                None
            }
            (Some((_, DeValue::String(text))), None) => Some(Secret::new(text)),
            (None, Some((_, DeValue::String(variable)))) => {
                let value = (self.source.vars)(variable).filter(|value| !value.is_empty());
                if value.is_none() {
                    self.wrong(&indirect, FileProblem::Unset(variable.to_string()));
                }
                value.map(|value| Secret::new(&value))
            }
            (Some(_), None) => {
                self.wrong(key, FileProblem::Type("text in quotation marks"));
                None
            }
            (None, Some(_)) => {
                self.wrong(&indirect, FileProblem::Type("the name of an environment variable in quotation marks"));
                None
            }
        }
    }

    /// As [`Table::text`], parsed.
    pub(super) fn parsed<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T, Rule>) -> Option<T> {
        let text = self.text(key)?;
        parse(text.expose()).map_err(|rule| self.wrong(key, rule.into())).ok()
    }

    /// As [`Table::parsed`], and complains when it is missing.
    pub(super) fn required<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T, Rule>) -> Option<T> {
        let indirect = format!("{key}_env");
        if !self.table.iter().any(|(name, _)| name.get_ref() == key || *name.get_ref() == indirect) {
            self.wrong(key, FileProblem::Missing);
        }
        self.parsed(key, parse)
    }

    pub(super) fn boolean(&mut self, key: &str) -> Option<bool> {
        match self.entry(key)?.1 {
            DeValue::Boolean(value) => Some(*value),
            _ => {
                self.wrong(key, FileProblem::Type("true or false"));
                None
            }
        }
    }

    /// A list of texts, parsed one by one.
    pub(super) fn list<T>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, Rule>) -> Option<Vec<T>> {
        let DeValue::Array(array) = self.entry(key)?.1 else {
            self.wrong(key, FileProblem::Type("a list of texts"));
            return None;
        };
        let mut out = Vec::with_capacity(array.len());
        for item in array.iter() {
            match item.get_ref() {
                DeValue::String(text) => match parse(text) {
                    Ok(value) => out.push(value),
                    Err(rule) => self.wrong(key, rule.into()),
                },
                _ => self.wrong(key, FileProblem::Type("a list of texts")),
            }
        }
        Some(out)
    }

    /// A whole number, read as the form's text would be; 0 is a blank field.
    pub(super) fn number<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T, Rule>) -> Option<T> {
        match self.entry(key)?.1 {
            DeValue::Integer(number) => {
                // Digits of any radix that TOML has. What is too large for this is so for the parser.
                let decimal = i128::from_str_radix(number.as_str(), number.radix()).map(|number| number.to_string());
                let text = decimal.as_deref().unwrap_or(number.as_str());
                parse(if text == "0" { "" } else { text }).map_err(|rule| self.wrong(key, rule.into())).ok()
            }
            _ => {
                self.wrong(key, FileProblem::Type("a whole number"));
                None
            }
        }
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
