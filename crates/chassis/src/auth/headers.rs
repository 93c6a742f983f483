//! The headers of access tokens: few, for a login signs all of its tokens with the same.

use std::{collections::HashMap, sync::Arc};

use jsonwebtoken::Header;
use parking_lot::RwLock;

/// How many are kept.
const MOST: usize = 16;

/// The headers of tokens that were accepted, by how they are written.
#[derive(Default)]
pub(super) struct Headers(RwLock<HashMap<String, Arc<Header>>>);

impl Headers {
    /// Returns the header of a token, if another one with the same was accepted.
    pub(super) fn known(&self, token: &str) -> Option<Arc<Header>> {
        self.0.read().get(written(token)).cloned()
    }

    /// Keeps the header of a token that was accepted.
    pub(super) fn keep(&self, token: &str, header: Arc<Header>) {
        let mut headers = self.0.write();
        if headers.len() >= MOST {
            headers.clear();
        }
        headers.insert(written(token).to_owned(), header);
    }
}

fn written(token: &str) -> &str {
    token.split('.').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::Algorithm;

    use super::*;

    #[test]
    fn a_header_is_known_once_a_token_with_it_was_accepted_and_few_are_kept() {
        let headers = Headers::default();
        assert!(headers.known("a.claims.signature").is_none());
        for number in 0..10 * MOST {
            let header = Arc::new(Header::new(Algorithm::HS256));
            headers.keep(&format!("a{number}.claims.signature"), header);
            assert!(headers.known(&format!("a{number}.other.other")).is_some());
            assert!(headers.0.read().len() <= MOST);
        }
        assert!(headers.known("a.claims.signature").is_none());
    }
}
