//! The requests of an operator, with an admin's token.

use reqwest::Method;
use serde::{Serialize, de::DeserializeOwned};
use sunbeon_domain::{Concert, ConcertId};

use crate::{Caller, Result};

impl Caller {
    /// Creates a concert from `concertId`, `title` and any other policy fields.
    pub async fn create_concert(&self, fields: &impl Serialize) -> Result<Concert> {
        let request = self.request(Method::POST, "/v2/admin/concerts");
        self.send(request.json(fields)).await
    }

    /// Closes a concert permanently. Its line is emptied; sessions last to their end.
    pub async fn close_concert(&self, concert: &ConcertId) -> Result<()> {
        let path = format!("/v2/admin/concerts/{concert}/close");
        self.done(self.request(Method::POST, &path)).await
    }

    /// Deletes a closed concert once nobody holds a slot.
    pub async fn delete_concert(&self, concert: &ConcertId) -> Result<()> {
        let path = format!("/v2/admin/concerts/{concert}");
        self.done(self.request(Method::DELETE, &path)).await
    }

    /// Returns a line in numbers, reading the fields that `T` has.
    pub async fn line<T: DeserializeOwned>(&self, concert: &ConcertId) -> Result<T> {
        let path = format!("/v2/waiting-room/admin/{concert}");
        self.send(self.request(Method::GET, &path)).await
    }

    /// Puts seats and tickets on sale.
    pub async fn put_stock(&self, concert: &ConcertId, plan: &impl Serialize) -> Result<()> {
        let path = format!("/v2/stock/{concert}");
        self.done(self.request(Method::PUT, &path).json(plan)).await
    }
}
