use std::{collections::BTreeMap, time::Duration};

use sunbeon_test_support::{Api, Process, TcpProxy, eventually, free_port};

use crate::SOON;

/// A service of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the service of that name")]
pub enum Service {
    WaitingRoom,
    ReservationOpen,
    EntryConsumer,
    Token,
    Booking,
}

impl Service {
    /// Returns the service's name in `sunbeon serve`.
    fn name(self) -> &'static str {
        match self {
            Self::WaitingRoom => "waiting-room",
            Self::ReservationOpen => "reservation-open",
            Self::EntryConsumer => "entry-consumer",
            Self::Token => "token",
            Self::Booking => "booking",
        }
    }
}

/// A replica that has not started yet.
#[derive(Debug, Clone)]
pub struct ReplicaPlan {
    pub(crate) service: Service,
    pub(crate) settings: BTreeMap<&'static str, String>,
}

pub(crate) const REDIS: &str = "SUNBEON__STORE__REDIS__URL";
pub(crate) const RABBITMQ: &str = "SUNBEON__BROKER__RABBITMQ__URL";
pub(crate) const DATABASE: &str = "SUNBEON__DATABASE__URL";
pub(crate) const BOOKINGS: &str = "SUNBEON__BOOKING__DATABASE_URL";

impl ReplicaPlan {
    /// Connects to Redis through a proxy.
    #[must_use]
    pub fn redis_by(self, proxy: &TcpProxy) -> Self {
        self.by(REDIS, proxy)
    }

    /// Connects to RabbitMQ through a proxy.
    #[must_use]
    pub fn rabbitmq_by(self, proxy: &TcpProxy) -> Self {
        self.by(RABBITMQ, proxy)
    }

    /// Connects to the database through a proxy.
    #[must_use]
    pub fn database_by(self, proxy: &TcpProxy) -> Self {
        self.by(DATABASE, proxy)
    }

    /// Connects to the database of bookings through a proxy.
    #[must_use]
    pub fn bookings_by(self, proxy: &TcpProxy) -> Self {
        self.by(BOOKINGS, proxy)
    }

    /// Adds a setting.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.settings.insert(key, value.into());
        self
    }

    /// Removes a setting.
    #[must_use]
    pub fn without(mut self, key: &'static str) -> Self {
        self.settings.remove(key);
        self
    }

    /// Starts a process that is expected to end by itself.
    ///
    /// # Panics
    /// If it does not end.
    pub async fn fails(&self) -> std::process::ExitStatus {
        self.spawn().wait(SOON).await
    }

    fn by(mut self, key: &'static str, proxy: &TcpProxy) -> Self {
        let url = self.settings.remove(key).unwrap_or_default();
        let (before, _, after) = parts(&url);
        self.settings
            .insert(key, format!("{before}{}{after}", proxy.address()));
        self
    }

    /// Starts the process and waits until it is ready and its dependencies are up.
    ///
    /// # Panics
    /// If that takes too long.
    pub async fn start(self) -> Replica {
        let replica = self.start_alone().await;
        replica.is_healthy().await;
        replica
    }

    /// Starts the process and waits until it is ready, whether or not its dependencies are up.
    ///
    /// # Panics
    /// If that takes too long.
    pub async fn start_alone(self) -> Replica {
        let port = free_port();
        let plan = self.with("SUNBEON__HTTP__BIND", format!("127.0.0.1:{port}"));
        let process = plan.spawn();
        let replica = Replica {
            plan,
            port,
            process,
            api: Api::at(port),
        };
        replica.is_ready().await;
        replica
    }

    fn spawn(&self) -> Process {
        Process::spawn("sunbeon", &["serve", self.service.name()], &self.settings)
    }
}

/// Splits a URL into `scheme://user@`, `host:port` and the rest.
pub(crate) fn parts(url: &str) -> (&str, &str, &str) {
    let authority = url.find("://").map_or(0, |found| found + 3);
    let end = url[authority..]
        .find(['/', '?'])
        .map_or(url.len(), |found| authority + found);
    let host = url[authority..end]
        .rfind('@')
        .map_or(authority, |found| authority + found + 1);
    (&url[..host], &url[host..end], &url[end..])
}

/// A running process of a service. Dropped in a failing test, it prints the end of its log.
#[derive(Debug)]
pub struct Replica {
    plan: ReplicaPlan,
    port: u16,
    process: Process,
    api: Api,
}

impl Replica {
    /// Returns the replica's client.
    pub fn api(&self) -> Api {
        self.api.clone()
    }

    /// Returns its port, which survives restarts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills it (SIGKILL).
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Freezes it (SIGSTOP): its port accepts connections, but nothing answers.
    pub fn freeze(&self) {
        self.process.pause();
    }

    /// Ends [`Replica::freeze`].
    pub fn thaw(&self) {
        self.process.resume();
    }

    /// Stops it with SIGTERM.
    ///
    /// # Panics
    /// If it does not exit with code 0 within 20 seconds.
    pub async fn end(&self) {
        self.process.terminate();
        let status = self.process.wait(Duration::from_secs(20)).await;
        assert_eq!(
            status.code(),
            Some(0),
            "{:?} ended by SIGTERM",
            self.plan.service
        );
    }

    /// Restarts it after its end, and waits until it is ready and its dependencies are up.
    ///
    /// # Panics
    /// If it is still running, or is not ready soon.
    pub async fn start_again(&mut self) {
        assert!(
            self.process.status().is_some(),
            "{:?} runs",
            self.plan.service
        );
        self.process = self.plan.spawn();
        self.is_ready().await;
        self.is_healthy().await;
    }

    /// Asserts that the process is still running.
    ///
    /// # Panics
    /// If it has ended.
    #[track_caller]
    pub fn lives(&self) {
        let ended = self.process.status();
        assert!(
            ended.is_none(),
            "{:?} has ended: {ended:?}",
            self.plan.service
        );
    }

    /// Waits until its dependencies are up.
    ///
    /// # Panics
    /// If that takes too long.
    pub async fn is_healthy(&self) {
        self.answers("/health").await;
    }

    async fn is_ready(&self) {
        self.answers("/ready").await;
    }

    async fn answers(&self, path: &str) {
        let what = format!("{path} of {:?} is good", self.plan.service);
        eventually(SOON, &what, async || {
            self.lives();
            self.api.is_good(path).await
        })
        .await;
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        show_log(self.plan.service.name(), &self.process);
    }
}

/// Prints the end of a process's log if the test is failing.
pub(crate) fn show_log(name: &str, process: &Process) {
    if std::thread::panicking() {
        let log = process.log();
        let from = log.lines().count().saturating_sub(30);
        let end: Vec<_> = log.lines().skip(from).collect();
        eprintln!("the end of {name}'s log:\n{}\n", end.join("\n"));
    }
}
