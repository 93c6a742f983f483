//! Rows, as returned by either database.

use sunbeon_domain::{
    BookingId, ConcertId, EntryNumber, MemberId, SeatId, Section, TicketId, UnixMs,
};

use crate::{DatabaseError, Result};

/// One value of a row. A BOOLEAN is 0 or 1, as in SQLite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// NULL.
    Null,
    /// TEXT.
    Text(String),
    /// BIGINT, INTEGER or BOOLEAN.
    Int(i64),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// One row: its cells in the order of the statement's columns.
#[derive(Debug)]
pub struct Row(std::vec::IntoIter<Cell>);

impl Row {
    /// Reads the next column.
    pub fn column<C: Column>(&mut self) -> Result<C> {
        let next = self.0.next();
        let cell = next.ok_or_else(|| DatabaseError::Bug("a row of too few columns".into()))?;
        C::read(cell).ok_or_else(|| {
            let wanted = std::any::type_name::<C>();
            DatabaseError::Bug(format!("a column that is no {wanted}").into())
        })
    }
}

impl FromIterator<Cell> for Row {
    fn from_iter<I: IntoIterator<Item = Cell>>(cells: I) -> Self {
        Self(cells.into_iter().collect::<Vec<_>>().into_iter())
    }
}

/// A type that can be read from a cell.
pub trait Column: Sized {
    /// Reads a cell; returns `None` if it holds something else.
    fn read(cell: Cell) -> Option<Self>;
}

impl Column for String {
    fn read(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Text(text) => Some(text),
            Cell::Null | Cell::Int(_) => None,
        }
    }
}

impl Column for i64 {
    fn read(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Int(number) => Some(number),
            Cell::Null | Cell::Text(_) => None,
        }
    }
}

impl Column for bool {
    fn read(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Int(number @ (0 | 1)) => Some(number == 1),
            Cell::Null | Cell::Int(_) | Cell::Text(_) => None,
        }
    }
}

impl<C: Column> Column for Option<C> {
    fn read(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            cell => C::read(cell).map(Some),
        }
    }
}

/// Implements [`Column`] for types that are a BIGINT or a TEXT with a rule.
macro_rules! columns {
    ($($column:ty: $stored:ty => $read:expr;)*) => {
        $(impl Column for $column {
            fn read(cell: Cell) -> Option<Self> {
                let stored = <$stored>::read(cell)?;
                let read: fn($stored) -> Option<Self> = $read;
                read(stored)
            }
        })*
    };
}

columns! {
    u32: i64 => |number| number.try_into().ok();
    u64: i64 => |number| number.try_into().ok();
    UnixMs: i64 => |ms| Some(Self(ms));
    EntryNumber: i64 => |number| number.try_into().ok().map(Self);
    ConcertId: String => |text| Self::parse(text).ok();
    MemberId: String => |text| Self::parse(text).ok();
    SeatId: String => |text| Self::parse(text).ok();
    TicketId: String => |text| Self::parse(text).ok();
    Section: String => |text| Self::parse(text).ok();
    BookingId: String => |text| Self::parse(&text);
}

/// A type that can be read from a whole row: a tuple of its columns, or a struct with
/// [`record!`](crate::record).
pub trait Record: Sized {
    /// Reads the columns in order.
    fn read(row: &mut Row) -> Result<Self>;
}

macro_rules! tuples {
    ($($($column:ident)+;)*) => {
        $(impl<$($column: Column),+> Record for ($($column,)+) {
            fn read(row: &mut Row) -> Result<Self> {
                Ok(($(row.column::<$column>()?,)+))
            }
        })*
    };
}

tuples! {
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
    A B C D E F G;
}

/// Reads a row into a struct whose fields stand in the order of the statement's columns.
#[macro_export]
macro_rules! record {
    ($record:ident { $($column:ident),+ $(,)? }) => {
        impl $crate::Record for $record {
            fn read(row: &mut $crate::Row) -> $crate::Result<Self> {
                // Struct fields are evaluated in the order they are written.
                Ok(Self { $($column: row.column()?),+ })
            }
        }
    };
}

pub(crate) fn read_all<R: Record>(rows: Vec<Row>) -> Result<Vec<R>> {
    rows.into_iter().map(|mut row| R::read(&mut row)).collect()
}

pub(crate) fn read_first<R: Record>(rows: Vec<Row>) -> Result<Option<R>> {
    let first = rows.into_iter().next();
    first.map(|mut row| R::read(&mut row)).transpose()
}
