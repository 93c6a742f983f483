//! One text for both databases.

use std::sync::OnceLock;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

/// A statement. Its words in braces are replaced once by each database's own.
#[derive(Debug)]
pub struct Statement {
    text: &'static str,
    postgres: OnceLock<SqlStr>,
    sqlite: OnceLock<SqlStr>,
}

impl Statement {
    /// Creates a statement from a text that both databases understand, apart from the words in
    /// braces.
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

/// Declares a module's statements, and `STATEMENTS`, the list of all of them, for a test that
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

/// The replacements of the words in braces for PostgreSQL and SQLite.
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
