#![doc = include_str!("../README.md")]

#[cfg(feature = "http")]
mod caller;
#[cfg(feature = "http")]
mod error;
#[cfg(feature = "http")]
mod inside;
#[cfg(feature = "http")]
mod operator;
#[cfg(feature = "http")]
mod origin;
#[cfg(feature = "http")]
mod sunbeon;
#[cfg(feature = "http")]
mod url;
mod wire;

#[cfg(feature = "http")]
pub use self::{
    caller::{Caller, Entering},
    error::{Error, Refusal, Result},
    inside::{Basket, Inside},
    sunbeon::Sunbeon,
    url::{InvalidUrl, SunbeonUrl},
};
pub use wire::{
    AccessToken, BookedSeat, BookedTicket, Booking, BookingState, ChangedSeat, ConcertPage,
    CreatedBooking, ExtendedSession, Failure, GuestToken, HeldSeats, IssuedToken, LongerToken,
    MySeat, MySeats, RevokedPage, Seat, SeatMap, SeatState, StockReported, Success, Ticket,
    Tickets,
};
