//! The requests of a shop's back end, with its origin token.

use reqwest::{Method, RequestBuilder};
use serde_json::json;
use sunbeon_domain::{Code, Concert, ConcertId, EntryNumber, MemberId, StockReport};

use crate::{Caller, ConcertPage, ExtendedSession, Result, RevokedPage, StockReported};

/// The largest page that the API allows.
const PAGE: u32 = 1_000;

impl Caller {
    /// Returns all concerts, in the order of their ids.
    pub async fn concerts(&self) -> Result<Vec<Concert>> {
        let mut path = format!("/v2/admin/concerts?limit={PAGE}");
        let mut concerts = Vec::new();
        loop {
            let page: ConcertPage = self.send(self.request(Method::GET, &path)).await?;
            concerts.extend(page.concerts);
            match page.next_cursor {
                Some(next) => path = format!("/v2/admin/concerts?limit={PAGE}&cursor={next}"),
                None => return Ok(concerts),
            }
        }
    }

    /// Returns a concert, or `None` if it does not exist.
    pub async fn concert(&self, concert: &ConcertId) -> Result<Option<Concert>> {
        let path = format!("/v2/admin/concerts/{concert}");
        match self.send(self.request(Method::GET, &path)).await {
            Err(error) if error.is(Code::ConcertNotFound) => Ok(None),
            found => found.map(Some),
        }
    }

    /// Ends the session of an entry. Does nothing if it has already ended.
    pub async fn complete_session(
        &self,
        concert: &ConcertId,
        member: &MemberId,
        entry: EntryNumber,
    ) -> Result<()> {
        let request = self.session(concert, "complete", member, entry);
        match self.done(request).await {
            Err(error) if error.is(Code::ConcertNotFound) => Ok(()),
            done => done,
        }
    }

    /// Extends a session's booking token to the end of a hold that starts now, if that is later,
    /// and returns the token; `None` if the session has ended.
    pub async fn extend_session(
        &self,
        concert: &ConcertId,
        member: &MemberId,
        entry: EntryNumber,
    ) -> Result<Option<ExtendedSession>> {
        let request = self.session(concert, "extend", member, entry);
        match self.send(request).await {
            Err(error) if error.is(Code::NotReady) => Ok(None),
            extended => extended.map(Some),
        }
    }

    /// Returns a page of the sessions that ended before their booking tokens, after the cursor of the
    /// previous page or from the beginning.
    pub async fn revoked(&self, concert: &ConcertId, after: Option<&str>) -> Result<RevokedPage> {
        let mut path = format!("/v2/reservation/revoked/{concert}");
        if let Some(after) = after {
            path = format!("{path}?after={after}");
        }
        self.send(self.request(Method::GET, &path)).await
    }

    /// Tells a line what is left, and returns whether it is live. Does nothing if the concert does not
    /// exist.
    pub async fn report_stock(&self, concert: &ConcertId, report: &StockReport) -> Result<bool> {
        let path = format!("/v2/reservation/stock/{concert}");
        let request = self.request(Method::PUT, &path).json(report);
        let reported: Result<StockReported> = self.send(request).await;
        match reported {
            Err(error) if error.is(Code::ConcertNotFound) => Ok(false),
            reported => Ok(reported?.live),
        }
    }

    fn session(
        &self,
        concert: &ConcertId,
        act: &str,
        member: &MemberId,
        entry: EntryNumber,
    ) -> RequestBuilder {
        let path = format!("/v2/reservation/sessions/{concert}/{act}");
        let body = json!({"memberId": member, "entryNumber": entry});
        self.request(Method::POST, &path).json(&body)
    }
}
