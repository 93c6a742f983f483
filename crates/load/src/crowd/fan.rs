//! One fan in one concert.

use std::{sync::Arc, time::Duration};

use sunbeon_domain::{ConcertId, Status};

use super::{Diary, shopper::Shopper};
use crate::{
    api::{Answer, Call, Failure, Instances},
    dice::Dice,
    verb::Verb,
};

/// One fan's actions. Each retries until it is answered, so set a limit around it.
pub(crate) struct Fan {
    api: Arc<Instances>,
    concert: ConcertId,
    member: String,
    access_token: String,
    booking_token: Option<String>,
    pass: Option<String>,
    status: Option<Status>,
    poll_after: Duration,
    /// Spreads the polls; without dice the fan polls exactly when told.
    pub(crate) dice: Option<Dice>,
    pub(crate) diary: Diary,
}

impl Fan {
    pub(crate) fn new(
        api: Arc<Instances>,
        concert: ConcertId,
        member: String,
        access_token: String,
    ) -> Self {
        Self {
            api,
            concert,
            member,
            access_token,
            booking_token: None,
            pass: None,
            status: None,
            poll_after: Duration::from_secs(1),
            dice: None,
            diary: Diary::default(),
        }
    }

    /// Enters the line; becomes READY at once if there is no line.
    pub(crate) async fn enter(&mut self) -> Result<(), Failure> {
        let answer = self.ask(Verb::Enter, false).await?;
        self.diary.entered(&answer);
        self.take(&answer);
        Ok(())
    }

    /// Reloads the page: the place must be kept.
    pub(crate) async fn refresh(&mut self) -> Result<(), Failure> {
        let answer = self.ask(Verb::Enter, true).await?;
        self.diary.polled(&answer);
        self.take(&answer);
        Ok(())
    }

    /// Polls once, when a poll is due, and returns whether it is this fan's turn.
    pub(crate) async fn poll(&mut self) -> Result<bool, Failure> {
        if self.called() {
            return Ok(true);
        }
        let extra = match &mut self.dice {
            Some(dice) => self.poll_after.mul_f64(dice.below(300) as f64 / 1000.0),
            None => Duration::ZERO,
        };
        tokio::time::sleep(self.poll_after + extra).await;
        let answer = self.ask(Verb::Status, false).await?;
        self.diary.polled(&answer);
        self.take(&answer);
        match self.status {
            Some(Status::Waiting) => Ok(false),
            _ if self.called() => Ok(true),
            _ => Err(Failure::lasting("no longer in line")),
        }
    }

    /// Polls until it is this fan's turn.
    pub(crate) async fn wait(&mut self) -> Result<(), Failure> {
        while !self.poll().await? {}
        Ok(())
    }

    /// Fetches the booking token, for the first time or again.
    pub(crate) async fn claim(&mut self) -> Result<(), Failure> {
        let answer = self.ask(Verb::Token, false).await?;
        let token = answer
            .told
            .token
            .ok_or(Failure::lasting("no booking token in the answer"))?;
        self.diary.claimed(&token, &self.member, &self.concert);
        self.booking_token = Some(token);
        Ok(())
    }

    /// Ends the session.
    pub(crate) async fn complete(&mut self) -> Result<(), Failure> {
        self.ask(Verb::Complete, false).await?;
        self.diary.completed = true;
        Ok(())
    }

    /// Returns this fan as a shopper, or `None` before the booking token is fetched.
    pub(super) fn shopper(&self) -> Option<Shopper<'_>> {
        Some(Shopper {
            api: &self.api,
            concert: &self.concert,
            access_token: &self.access_token,
            booking_token: self.booking_token.clone()?,
        })
    }

    /// Returns the access token and the booking token, empty before it is fetched.
    pub(crate) fn tokens(&self) -> (&str, &str) {
        let booking_token = self.booking_token.as_deref();
        (&self.access_token, booking_token.unwrap_or_default())
    }

    /// Leaves by choice.
    pub(crate) async fn exit(&mut self) -> Result<(), Failure> {
        self.ask(Verb::Exit, false).await.map(drop)
    }

    fn called(&self) -> bool {
        matches!(self.status, Some(Status::Ready | Status::Entered))
    }

    async fn ask(&self, verb: Verb, again: bool) -> Result<Answer, Failure> {
        let call = Call {
            verb,
            concert: &self.concert,
            access_token: &self.access_token,
            booking_token: self.booking_token.as_deref().unwrap_or_default(),
            pass: self.pass.as_deref(),
            again,
        };
        self.api.insist(call).await
    }

    fn take(&mut self, answer: &Answer) {
        self.status = answer.told.status;
        self.pass.clone_from(&answer.told.pass);
        self.poll_after = Duration::from_millis(answer.told.poll_after_ms.unwrap_or(1000).max(100));
    }
}
