//! A small crowd with habits, to show a waiting room at work.

use std::{sync::Arc, time::Duration};

use sunbeon_domain::ConcertId;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Fan, Fault};
use crate::{
    api::{Failure, Instances},
    dice::Dice,
    targets::Targets,
};

/// Concurrent requests: the crowd shares its process with the servers.
const CONNECTIONS: usize = 16;
/// The latest time at which the whole crowd has arrived.
const ARRIVAL: Duration = Duration::from_secs(120);

/// Signs an access token for a member.
pub type Tokens = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// A crowd of synthetic fans of roughly constant size.
#[derive(Clone)]
pub struct Demo {
    /// The address that serves every route; `http://` only.
    pub base_url: String,
    /// Each fan picks one of these; without any the crowd stays away.
    pub concert_ids: Vec<ConcertId>,
    /// The number of fans.
    pub fans: usize,
    /// Signs their access tokens.
    pub tokens: Tokens,
}

/// How a fan behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Habit {
    /// Waits, fetches the token and shops.
    Books,
    /// The same, but reloads the page while waiting.
    Refreshes,
    /// Leaves before its turn.
    Leaves,
    /// Does not respond when called.
    NeverClaims,
}

impl Habit {
    fn pick(dice: &mut Dice) -> Self {
        match dice.below(100) {
            0..50 => Self::Books,
            50..75 => Self::Refreshes,
            75..90 => Self::Leaves,
            _ => Self::NeverClaims,
        }
    }
}

impl Demo {
    /// Runs until `shutdown` is cancelled. Fans arrive gradually; when one has finished, another
    /// follows after a pause. A fan whose request fails goes home; no failure here ends the
    /// process.
    pub async fn run(self, shutdown: CancellationToken) {
        if self.concert_ids.is_empty() {
            return tracing::warn!("the demo crowd stays away because there are no concerts");
        }
        let api = match self.api() {
            Ok(api) => Arc::new(api),
            Err(error) => return tracing::warn!(%error, "the demo crowd stays away"),
        };
        let gap = Duration::from_millis(200).min(ARRIVAL / self.fans.max(1) as u32);
        let mut places = JoinSet::new();
        for index in 0..self.fans {
            let delay = gap * index as u32;
            places.spawn(self.clone().place(api.clone(), delay));
        }
        shutdown.cancelled().await;
        places.shutdown().await;
    }

    fn api(&self) -> anyhow::Result<Instances> {
        Instances::new(&Targets::one(&self.base_url)?, CONNECTIONS)
    }

    /// Sends one fan after another.
    async fn place(self, api: Arc<Instances>, delay: Duration) {
        let mut dice = Dice::new();
        tokio::time::sleep(delay + dice.seconds(0, 1)).await;
        loop {
            let pause = match self.send_fan(&api, &mut dice).await {
                Ok(()) => dice.seconds(2, 10),
                Err(error) => {
                    tracing::debug!(%error, "a demo fan went home");
                    dice.seconds(15, 30)
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    async fn send_fan(&self, api: &Arc<Instances>, dice: &mut Dice) -> Result<(), Failure> {
        let concert = &self.concert_ids[dice.below(self.concert_ids.len() as u64) as usize];
        let member = format!("fan-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
        let access_token = (self.tokens)(&member);
        let mut fan = Fan::new(api.clone(), concert.clone(), member, access_token);
        fan.dice = Some(Dice::new());
        let habit = Habit::pick(dice);
        let result = live(&mut fan, habit, dice).await;
        let faults = unexplained(&fan.diary.faults);
        if !faults.is_empty() {
            tracing::warn!(concert_id = %concert, ?faults, "a demo fan was treated wrongly");
        }
        result
    }
}

/// Returns the faults that no operator can have caused: clearing the line or closing the concert
/// also puts fans out of it.
fn unexplained(faults: &[Fault]) -> Vec<&'static str> {
    let others = faults.iter().filter(|fault| **fault != Fault::Lost);
    others.map(|fault| fault.name()).collect()
}

async fn live(fan: &mut Fan, habit: Habit, dice: &mut Dice) -> Result<(), Failure> {
    fan.enter().await?;
    match habit {
        Habit::Books | Habit::NeverClaims => fan.wait().await?,
        Habit::Refreshes => {
            while !fan.poll().await? {
                if dice.below(4) == 0 {
                    fan.refresh().await?;
                }
            }
        }
        Habit::Leaves => {
            let polls = 1 + dice.below(12);
            for _ in 0..polls {
                if fan.poll().await? {
                    break;
                }
            }
            return fan.exit().await;
        }
    }
    if habit == Habit::NeverClaims {
        return Ok(());
    }
    tokio::time::sleep(dice.seconds(1, 4)).await;
    fan.claim().await?;
    let mut shopper = fan.shopper().expect("a booking token was just fetched");
    match shopper.shop(dice).await? {
        // Paying has already ended the session.
        Some(booked) if dice.below(4) == 0 => {
            tokio::time::sleep(dice.seconds(5, 30)).await;
            shopper.cancel(booked).await
        }
        Some(_) => Ok(()),
        // A fan who finds nothing leaves, to make room for the next.
        None => fan.exit().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emptied_line_is_not_a_fault_and_everything_else_is() {
        let faults = [Fault::Lost, Fault::QueueNumberRose, Fault::Lost];
        assert_eq!(unexplained(&faults), [Fault::QueueNumberRose.name()]);
    }
}
