//! The parts of starting, running and stopping that every service shares.

use std::{future::Future, net::SocketAddr, process::ExitCode};

use anyhow::Context;
use serde::{Deserialize, de::DeserializeOwned};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    Auth, Lifecycle,
    http::{self, Health, Readiness, Service},
    settings,
    telemetry::{self, Telemetry},
};

/// A process with telemetry, a lifecycle and, at the end, an HTTP server.
pub struct Process {
    name: &'static str,
    http: settings::Http,
    limits: settings::Limits,
    telemetry: Telemetry,
    lifecycle: Lifecycle,
}

impl Process {
    /// Loads the settings of this process, starts it, and returns it with the sections that `S` picks
    /// for itself. Once per process, inside the runtime.
    pub fn load<S: DeserializeOwned>(name: &'static str) -> anyhow::Result<(Self, S)> {
        #[derive(Deserialize)]
        struct OfEveryService {
            http: settings::Http,
            limits: settings::Limits,
            telemetry: settings::Telemetry,
        }
        let (all, own): (OfEveryService, S) = settings::load_both()?;
        let process = Self::start(name, all.http, all.limits, &all.telemetry)?;
        Ok((process, own))
    }

    /// Installs telemetry. Call it once per process, inside the runtime.
    pub fn start(
        name: &'static str,
        http: settings::Http,
        limits: settings::Limits,
        telemetry: &settings::Telemetry,
    ) -> anyhow::Result<Self> {
        let telemetry = telemetry::init(telemetry, name)?;
        Ok(Self {
            name,
            http,
            limits,
            telemetry,
            lifecycle: Lifecycle::new(),
        })
    }

    /// Returns the token that is cancelled when the process must stop.
    pub fn shutdown(&self) -> CancellationToken {
        self.lifecycle.shutdown()
    }

    /// Sets up the checks of access tokens and keeps a login's keys fresh.
    pub fn auth(&mut self, settings: &settings::Auth) -> anyhow::Result<Auth> {
        let auth = Auth::new(settings, &self.limits)
            .context("could not set up the checks of access tokens")?;
        self.spawn("keys", auth.clone().keep_fresh(self.shutdown()));
        Ok(auth)
    }

    /// Runs a task that lives until the token is cancelled.
    pub fn spawn(
        &mut self,
        name: &'static str,
        task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        self.lifecycle.spawn(name, task);
    }

    /// Listens on the configured address and serves like [`Process::serve_on`].
    pub async fn serve(
        self,
        api: OpenApiRouter,
        health: Health,
        then: impl FnOnce(SocketAddr),
    ) -> anyhow::Result<ExitCode> {
        let listener = http::bind(&self.http.bind, "SUNBEON__HTTP__BIND=").await?;
        self.serve_on(listener, api, health, then).await
    }

    /// Serves routes with their common parts until a signal arrives or a task ends; `then` is given
    /// the address. For a process that must know its own address before it builds its parts.
    pub async fn serve_on(
        mut self,
        listener: TcpListener,
        api: OpenApiRouter,
        health: Health,
        then: impl FnOnce(SocketAddr),
    ) -> anyhow::Result<ExitCode> {
        let readiness = Readiness::new();
        let router = http::finish(Service {
            name: self.name,
            api,
            health,
            readiness: readiness.clone(),
            metrics: Some(self.telemetry.metrics()),
            settings: self.http.clone(),
            limits: self.limits.clone(),
        })?;
        let address = listener.local_addr()?;
        let (settings, drain) = (self.http.clone(), self.http.drain_limit());
        let shutdown = self.lifecycle.shutdown();
        let serving = http::serve(listener, router, settings, shutdown, readiness.clone());
        self.lifecycle.spawn("http", serving);
        readiness.set_ready();
        tracing::info!(%address, "{} is ready", self.name);
        then(address);
        let code = self.lifecycle.run(drain).await;
        self.telemetry.shutdown();
        Ok(code)
    }
}
