//! Requests of one kind for one concert that go to the store together.
//!
//! The first goes at once. Those that come while it is under way gather, and go together when it returns:
//! so an idle line costs nobody any time, and a rush forms batches by itself.
//!
//! A call belongs to the trace of the first of its requests that is exported.

use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use opentelemetry::{Context, context::FutureExt, trace::TraceContextExt};
use parking_lot::Mutex;
use sunbeon_domain::ConcertId;
use sunbeon_store::{MOST_AT_ONCE, Result, StoreError};
use tokio::sync::oneshot;

/// Further requests are refused while so many wait.
const MOST_WAITING: usize = 4_096;
/// A request that could not go for so long does not go any more.
const PATIENCE: Duration = Duration::from_secs(2);

type Answers<Answer> = Result<Vec<Result<Answer>>>;
type Call<Ask, Answer> = dyn Fn(ConcertId, Vec<Ask>) -> Pin<Box<dyn Future<Output = Answers<Answer>> + Send>>
    + Send
    + Sync;

/// Hands the answer to one who waits for it.
type Caller<Answer> = oneshot::Sender<Result<Answer>>;

struct Waiting<Ask, Answer> {
    ask: Ask,
    since: Instant,
    answer: Caller<Answer>,
    trace: Context,
}

/// What goes in one call.
struct Batch<Ask, Answer> {
    asks: Vec<Ask>,
    answers: Vec<Caller<Answer>>,
    trace: Context,
}

type Lines<Ask, Answer> = Mutex<HashMap<ConcertId, VecDeque<Waiting<Ask, Answer>>>>;

/// Sends requests together. A cheap handle.
pub struct Together<Ask, Answer> {
    /// Of each concert for which a call is under way, the requests that wait for its return.
    lines: Arc<Lines<Ask, Answer>>,
    call: Arc<Call<Ask, Answer>>,
}

impl<Ask, Answer> Clone for Together<Ask, Answer> {
    fn clone(&self) -> Self {
        Self {
            lines: self.lines.clone(),
            call: self.call.clone(),
        }
    }
}

impl<Ask: Send + 'static, Answer: Send + 'static> Together<Ask, Answer> {
    /// Creates a sender by the call that answers a batch, one answer each in order.
    pub fn by<Calling>(
        call: impl Fn(ConcertId, Vec<Ask>) -> Calling + Send + Sync + 'static,
    ) -> Self
    where
        Calling: Future<Output = Answers<Answer>> + Send + 'static,
    {
        Self {
            lines: Arc::default(),
            call: Arc::new(move |id, asks| Box::pin(call(id, asks))),
        }
    }

    /// Sends a request and returns its answer. It counts even if the caller goes away. Answers
    /// [`StoreError::Down`] if too many wait already, or if it could not go for too long.
    pub async fn ask(&self, id: &ConcertId, ask: Ask) -> Result<Answer> {
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting {
            ask,
            since: Instant::now(),
            answer,
            trace: Context::current(),
        };
        self.line_up(id, waiting)?;
        answered
            .await
            .unwrap_or_else(|_| Err(down("the call was given up")))
    }

    fn line_up(&self, id: &ConcertId, waiting: Waiting<Ask, Answer>) -> Result<()> {
        let mut lines = self.lines.lock();
        if let Some(line) = lines.get_mut(id) {
            if line.len() >= MOST_WAITING {
                return Err(down("too many requests wait for it"));
            }
            line.push_back(waiting);
            return Ok(());
        }
        lines.insert(id.clone(), VecDeque::from([waiting]));
        drop(lines);
        let sending = Sending {
            together: self.clone(),
            id: id.clone(),
            done: false,
        };
        tokio::spawn(sending.send_all());
        Ok(())
    }
}

/// The task that sends what waits for one concert. However it ends, nobody is left waiting.
struct Sending<Ask, Answer> {
    together: Together<Ask, Answer>,
    id: ConcertId,
    /// Whether the concert is free for another task.
    done: bool,
}

impl<Ask, Answer> Drop for Sending<Ask, Answer> {
    fn drop(&mut self) {
        if !self.done {
            self.together.lines.lock().remove(&self.id);
        }
    }
}

impl<Ask: Send + 'static, Answer: Send + 'static> Sending<Ask, Answer> {
    async fn send_all(mut self) {
        while let Some(batch) = self.next() {
            let call = (self.together.call)(self.id.clone(), batch.asks);
            hand_out(call.with_context(batch.trace).await, batch.answers);
        }
    }

    /// The next batch and who waits for it, unless nobody does any more.
    fn next(&mut self) -> Option<Batch<Ask, Answer>> {
        let mut lines = self.together.lines.lock();
        let line = lines.get_mut(&self.id)?;
        let most = line.len().min(MOST_AT_ONCE);
        let mut batch = Batch {
            asks: Vec::with_capacity(most),
            answers: Vec::with_capacity(most),
            trace: Context::new(),
        };
        while batch.asks.len() < MOST_AT_ONCE
            && let Some(waiting) = line.pop_front()
        {
            if waiting.since.elapsed() > PATIENCE {
                // Its caller may be gone; then nobody misses the answer.
                let _gone = waiting
                    .answer
                    .send(Err(down("the calls before took too long")));
                continue;
            }
            if !is_exported(&batch.trace) && is_exported(&waiting.trace) {
                batch.trace = waiting.trace;
            }
            batch.asks.push(waiting.ask);
            batch.answers.push(waiting.answer);
        }
        if batch.asks.is_empty() {
            lines.remove(&self.id);
            self.done = true;
            return None;
        }
        Some(batch)
    }
}

fn is_exported(trace: &Context) -> bool {
    trace.span().span_context().is_sampled()
}

fn hand_out<Answer>(answered: Answers<Answer>, senders: Vec<Caller<Answer>>) {
    match answered {
        Ok(answers) => {
            for (sender, answer) in senders.into_iter().zip(answers) {
                let _gone = sender.send(answer);
            }
        }
        Err(error) => {
            for sender in senders {
                let _gone = sender.send(Err(error.again()));
            }
        }
    }
}

fn down(why: &str) -> StoreError {
    StoreError::Down(why.into())
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use tokio::{sync::Semaphore, task::JoinHandle};

    use super::*;

    fn id() -> ConcertId {
        ConcertId::parse("c").unwrap()
    }

    /// The call with this one fails.
    const UNLUCKY: u32 = 13;

    /// Answers each number with the size of the batch it came in, once it is let go.
    fn sizes(turns: &Arc<Semaphore>) -> Together<u32, usize> {
        let turns = turns.clone();
        Together::by(move |_, asks: Vec<u32>| {
            let turns = turns.clone();
            async move {
                turns.acquire().await.unwrap().forget();
                if asks.contains(&UNLUCKY) {
                    return Err(StoreError::UnknownConcert);
                }
                Ok(asks.iter().map(|_| Ok(asks.len())).collect())
            }
        })
    }

    /// Asks in a task of its own.
    fn ask(together: &Together<u32, usize>, number: u32) -> JoinHandle<Result<usize>> {
        let together = together.clone();
        tokio::spawn(async move { together.ask(&id(), number).await })
    }

    /// A call that is under way until it is let go.
    struct UnderWay {
        turns: Arc<Semaphore>,
        together: Together<u32, usize>,
        first: JoinHandle<Result<usize>>,
    }

    impl UnderWay {
        async fn new() -> Self {
            let turns = Arc::new(Semaphore::new(0));
            let together = sizes(&turns);
            let first = ask(&together, 0);
            let call = Self {
                turns,
                together,
                first,
            };
            call.has_waiting(0).await;
            call
        }

        async fn has_waiting(&self, many: usize) {
            let waiting = || self.together.lines.lock().get(&id()).map(VecDeque::len);
            while waiting() != Some(many) {
                tokio::task::yield_now().await;
            }
        }

        /// Lets so many calls go, of which the first is answered.
        async fn let_go(self, calls: usize) {
            self.turns.add_permits(calls);
            assert_eq!(self.first.await.unwrap().unwrap(), 1);
        }
    }

    fn is_down(answer: &Result<usize>) -> bool {
        matches!(answer, Err(StoreError::Down(_)))
    }

    #[tokio::test]
    async fn what_comes_during_a_call_goes_together_when_it_returns() {
        let call = UnderWay::new().await;
        let rest: Vec<_> = (0..300).map(|_| ask(&call.together, 1)).collect();
        call.has_waiting(300).await;
        let together = call.together.clone();
        call.let_go(3).await;
        let answers = join_all(rest).await.into_iter();
        let mut answers: Vec<_> = answers.map(|answer| answer.unwrap().unwrap()).collect();
        answers.sort_unstable();
        assert_eq!(answers[..44], [44; 44]);
        assert_eq!(answers[44..], [256; 256]);
        assert!(together.lines.lock().is_empty());
    }

    #[tokio::test]
    async fn a_call_that_fails_fails_for_all_of_its_batch_and_for_nobody_else() {
        let together = sizes(&Arc::new(Semaphore::new(9)));
        let failed = together.ask(&id(), UNLUCKY).await;
        assert!(
            matches!(failed, Err(StoreError::UnknownConcert)),
            "{failed:?}"
        );
        assert_eq!(together.ask(&id(), 1).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_caller_who_goes_away_is_sent_all_the_same() {
        let call = UnderWay::new().await;
        let gone = ask(&call.together, 1);
        call.has_waiting(1).await;
        let second = ask(&call.together, 2);
        call.has_waiting(2).await;
        gone.abort();
        call.let_go(2).await;
        assert_eq!(second.await.unwrap().unwrap(), 2);
    }

    #[tokio::test]
    async fn beyond_so_many_that_wait_a_request_is_refused() {
        let call = UnderWay::new().await;
        let rest: Vec<_> = (0..MOST_WAITING).map(|_| ask(&call.together, 1)).collect();
        call.has_waiting(MOST_WAITING).await;
        let refused = call.together.ask(&id(), 1).await;
        assert!(is_down(&refused), "{refused:?}");
        call.let_go(100).await;
        for answer in join_all(rest).await {
            assert_eq!(answer.unwrap().unwrap(), MOST_AT_ONCE);
        }
    }

    #[tokio::test]
    async fn a_request_that_could_not_go_in_time_does_not_go() {
        let call = UnderWay::new().await;
        let late = ask(&call.together, 1);
        call.has_waiting(1).await;
        let before = Instant::now() - PATIENCE - Duration::from_millis(1);
        call.together.lines.lock().get_mut(&id()).unwrap()[0].since = before;
        call.let_go(1).await;
        let late = late.await.unwrap();
        assert!(is_down(&late), "{late:?}");
    }

    #[tokio::test]
    async fn a_call_that_panics_leaves_nobody_waiting() {
        let together: Together<u32, usize> = Together::by(|_, asks: Vec<u32>| async move {
            assert!(!asks.contains(&UNLUCKY), "unlucky");
            Ok(asks.iter().map(|_| Ok(asks.len())).collect())
        });
        assert!(is_down(&together.ask(&id(), UNLUCKY).await));
        assert_eq!(together.ask(&id(), 1).await.unwrap(), 1);
    }
}
