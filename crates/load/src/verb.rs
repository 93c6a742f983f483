//! The measured actions.

/// A fan's request; each kind has its own row in the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Enter,
    Status,
    Token,
    Complete,
    Exit,
}

impl Verb {
    pub(crate) const ALL: [Self; 5] = [
        Self::Enter,
        Self::Status,
        Self::Token,
        Self::Complete,
        Self::Exit,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Enter => "enter",
            Self::Status => "status",
            Self::Token => "token",
            Self::Complete => "complete",
            Self::Exit => "exit",
        }
    }
}
