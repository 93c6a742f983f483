//! `sunbeon load`: from the command line to the exit code.

use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use crate::{Report, Usage, options::Options, run, settings::Settings};

/// Sends the crowd and prints the report. The exit code is 0 if every promise was kept, 1 if not,
/// and 2 for invalid options or settings. Ctrl-C ends the run early.
pub async fn command(options: &Options) -> ExitCode {
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_ctrl_c(stop.clone()));
    finish(report(options, stop).await.map(|report| {
        let text = if options.json {
            report.to_json()
        } else {
            report.to_string()
        };
        (text, report.is_clean())
    }))
}

/// Prints a text and says with the exit code whether all went well.
pub(crate) fn finish(done: anyhow::Result<(String, bool)>) -> ExitCode {
    match done {
        Ok((text, good)) => {
            println!("{text}");
            ExitCode::from(u8::from(!good))
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

async fn report(options: &Options, stop: CancellationToken) -> anyhow::Result<Report> {
    let settings = Settings::load(options.env.as_deref())?;
    run::run(options, &settings, stop).await
}

pub(crate) async fn stop_on_ctrl_c(stop: CancellationToken) {
    if tokio::signal::ctrl_c().await.is_ok() {
        stop.cancel();
    }
}
