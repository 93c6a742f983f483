//! The gate in front of an origin, with a Sunbeon that does as it is told.

mod blind;
mod layer;
mod modes;
mod refusals;
mod strangers;
mod tokens;
mod world;
