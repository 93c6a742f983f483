//! The gate in front of an origin, with a scripted Sunbeon.

mod blind;
mod layer;
mod modes;
mod refusals;
mod strangers;
mod tokens;
mod ways;
mod world;
