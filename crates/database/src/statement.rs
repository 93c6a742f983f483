//! One text for both databases.

use std::sync::OnceLock;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

/// A statement, whose words in braces are put into each database's own once.
#[derive(Debug)]
pub struct Statement {
    text: &'static str,
    postgres: OnceLock<SqlStr>,
    sqlite: OnceLock<SqlStr>,
}

impl Statement {
    /// Makes a statement of a text that both databases understand, but for the words in braces.
    pub const fn new(text: &'static str) -> Self {
        Self {
            text,
            postgres: OnceLock::new(),
            sqlite: OnceLock::new(),
        }
    }

    pub(crate) fn for_postgres(&self) -> SqlStr {
        let spoken = self
            .postgres
            .get_or_init(|| spoken(self.text, |word| word.1));
        spoken.clone()
    }

    pub(crate) fn for_sqlite(&self) -> SqlStr {
        let spoken = self.sqlite.get_or_init(|| spoken(self.text, |word| word.2));
        spoken.clone()
    }
}

impl From<&'static str> for Statement {
    fn from(text: &'static str) -> Self {
        Self::new(text)
    }
}

/// Declares the statements of a module, and `STATEMENTS`, the list of them all, for a test that
/// compiles each on both databases.
#[macro_export]
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)+) => {
        $($(#[$doc])* static $name: $crate::Statement = $crate::Statement::new($text);)+

        /// Every statement of this module.
        pub(crate) static STATEMENTS: &[&$crate::Statement] = &[$(&$name),+];
    };
}

type Word = (&'static str, &'static str, &'static str);

/// What PostgreSQL and SQLite say in the place of the words in braces.
const WORDS: [Word; 7] = [
    (
        "{now}",
        "CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS BIGINT)",
        "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
    ),
    ("{for update}", "FOR UPDATE", ""),
    ("{for share}", "FOR SHARE", ""),
    ("{skip locked}", "FOR UPDATE SKIP LOCKED", ""),
    (
        "{listed}",
        "(SELECT json_array_elements_text(CAST($1 AS JSON)))",
        "(SELECT value FROM json_each($1))",
    ),
    (
        "{in turn, shared}",
        "pg_advisory_xact_lock_shared(hashtext($1))",
        "$1",
    ),
    (
        "{in turn, alone}",
        "pg_advisory_xact_lock(hashtext($1))",
        "$1",
    ),
];

fn spoken(text: &'static str, says: impl Fn(&Word) -> &'static str) -> SqlStr {
    if !text.contains('{') {
        return SqlStr::from_static(text);
    }
    let said = WORDS
        .iter()
        .fold(text.to_owned(), |sql, word| sql.replace(word.0, says(word)));
    AssertSqlSafe(std::sync::Arc::<str>::from(said)).into_sql_str()
}
