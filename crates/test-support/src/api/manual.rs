const ERRORS: &str = include_str!("../../../../docs/errors.md");

/// A row of the table in `docs/errors.md`.
#[derive(Debug, Clone, Copy)]
pub struct DocumentedFailure {
    /// The word in `code`.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The message in English.
    pub english: &'static str,
    /// The message in Korean.
    pub korean: &'static str,
}

/// Returns every row of the table in `docs/errors.md`.
///
/// # Panics
/// If a row does not have four cells.
pub fn documented_failures() -> Vec<DocumentedFailure> {
    let rows = ERRORS.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [code, status, english, korean] = cells[..] else {
            panic!("not a row of four cells: {row}");
        };
        DocumentedFailure {
            code: code.trim_matches('`'),
            status: status.parse().expect("a status"),
            english,
            korean: korean.trim_end_matches('|').trim(),
        }
    })
    .collect()
}
