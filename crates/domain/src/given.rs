//! Optional fields of a request.

use serde::{Deserialize, Deserializer};

/// Reads a field that may be left out and is never null; for `deserialize_with`, together with `default`.
/// serde alone would take null for a field that is left out.
pub fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}
