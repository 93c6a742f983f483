//! What every service's `main` does in the same way.

use std::{future::Future, process::ExitCode};

use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    Lifecycle,
    http::{self, Health, Readiness, Service},
    settings,
    telemetry::{self, Telemetry},
};

/// A process with telemetry, a lifecycle and, in the end, an HTTP server.
pub struct Process {
    name: &'static str,
    http: settings::Http,
    telemetry: Telemetry,
    lifecycle: Lifecycle,
}

impl Process {
    /// Installs telemetry. Once per process, inside the runtime.
    pub fn start(
        name: &'static str,
        http: settings::Http,
        telemetry: &settings::Telemetry,
    ) -> anyhow::Result<Self> {
        let telemetry = telemetry::init(telemetry, name)?;
        Ok(Self {
            name,
            http,
            telemetry,
            lifecycle: Lifecycle::new(),
        })
    }

    /// The token that is cancelled when the process shall stop.
    pub fn shutdown(&self) -> CancellationToken {
        self.lifecycle.shutdown()
    }

    /// Runs a task that lives until the token is cancelled.
    pub fn spawn(
        &mut self,
        name: &'static str,
        task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        self.lifecycle.spawn(name, task);
    }

    /// Serves routes in their common dress until a signal comes or a task ends; `then` says where
    /// it listens.
    pub async fn serve(
        mut self,
        api: OpenApiRouter,
        health: Health,
        then: impl FnOnce(std::net::SocketAddr),
    ) -> anyhow::Result<ExitCode> {
        let readiness = Readiness::new();
        let router = http::finish(Service {
            name: self.name,
            api,
            health,
            readiness: readiness.clone(),
            metrics: Some(self.telemetry.metrics()),
            settings: self.http.clone(),
        })?;
        let listener = http::bind(&self.http.bind).await?;
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
