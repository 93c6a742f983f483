//! Sends a crowd through a sale and exits 0 only if every promise was kept.

use std::process::ExitCode;

use clap::Parser;
use sunbeon_load::{Usage, options::Options, run, settings::Settings};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let stop = CancellationToken::new();
    tokio::spawn({
        let stop = stop.clone();
        async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                stop.cancel();
            }
        }
    });
    let report = match Settings::load(options.env.as_deref()) {
        Ok(settings) => run::run(&options, &settings, stop).await,
        Err(usage) => Err(usage.into()),
    };
    match report {
        Ok(report) => {
            println!(
                "{}",
                if options.json {
                    report.to_json()
                } else {
                    report.to_string()
                }
            );
            ExitCode::from(u8::from(!report.is_clean()))
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}
