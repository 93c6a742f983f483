//! The whole driver against a small waiting room that keeps its promises or breaks one.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crate::fake::{Fake, Flaw};
use clap::Parser;
use sunbeon_domain::ConcertId;
use sunbeon_load::{Report, crowd::Demo, options::Options, run, settings::Settings};
use tokio_util::sync::CancellationToken;

async fn load(fake: &Fake, words: &str) -> Report {
    let line = format!("load --url {} {words}", fake.url);
    let options = Options::parse_from(line.split_whitespace());
    let settings = Settings::parse("SUNBEON_ADMIN_TOKEN=admin\nSUNBEON_HS256_SECRET=secret").ok();
    run::run(&options, &settings.unwrap(), CancellationToken::new())
        .await
        .unwrap()
}

const SMALL: &str = "--members 60 --group-size 30 --interval-seconds 1 --arrival-seconds 1 \
                     --timeout-seconds 90 --connections 16 --complete";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fair_line_is_clean() {
    let fake = Fake::start(Flaw::None).await;
    let report = load(&fake, SMALL).await;
    assert!(report.is_clean(), "{report}");
    assert!(fake.is_deleted());
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["clean"], true);
    assert_eq!(json["ledger"]["completed"], 60);
    assert_eq!(json["verbs"][0]["verb"], "enter");
    assert_eq!(json["verbs"][0]["count"], 60);
    assert!(json["allAdmittedSeconds"].as_f64().unwrap() > 0.5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_asked_for_when_no_secret_is_known() {
    let fake = Fake::start(Flaw::None).await;
    let line = format!("load --url {} {SMALL}", fake.url);
    let options = Options::parse_from(line.split_whitespace());
    let stop = CancellationToken::new();
    let report = run::run(&options, &Settings::default(), stop)
        .await
        .unwrap();
    assert!(report.is_clean(), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_admits_from_its_end_is_found() {
    let fake = Fake::start(Flaw::LastComeFirstServed).await;
    let report = load(&fake, &SMALL.replace("--group-size 30", "--group-size 5")).await;
    assert!(
        report.failed_checks().contains(&"admitted in order"),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_booking_token_is_found() {
    let fake = Fake::start(Flaw::NewTokenEachTime).await;
    let report = load(&fake, SMALL).await;
    assert_eq!(
        report.failed_checks(),
        ["every place and token stayed the same"],
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_member_is_found() {
    let fake = Fake::start(Flaw::LosesOne).await;
    let report = load(&fake, SMALL).await;
    for check in ["everyone was admitted", "joined adds up"] {
        assert!(report.failed_checks().contains(&check), "{report}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_request_is_reported_and_retried() {
    let fake = Fake::start(Flaw::FirstEnterIsDown).await;
    let report = load(&fake, SMALL).await;
    assert_eq!(report.failed_checks(), ["no request failed"], "{report}");
    assert!(report.to_string().contains("503 STORE_DOWN: 1"), "{report}");
}

#[tokio::test]
async fn a_remote_address_is_a_usage_error() {
    let options = Options::parse_from(["load", "--url", "http://192.0.2.1"]);
    let stop = CancellationToken::new();
    let error = run::run(&options, &Settings::default(), stop)
        .await
        .unwrap_err();
    assert!(error.is::<sunbeon_load::Usage>(), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_crowd_comes_and_goes_until_shutdown() {
    let fake = Fake::start(Flaw::None).await;
    fake.open("demo", 60);
    let shutdown = CancellationToken::new();
    let demo = Demo {
        base_url: fake.url.clone(),
        concert_ids: vec![ConcertId::parse("demo").unwrap()],
        fans: 120,
        tokens: Arc::new(crate::fake::access_token),
    };
    let crowd = tokio::spawn(demo.run(shutdown.clone()));
    let seen = fake.until(Duration::from_secs(60), |totals| {
        totals.completed > 0 && totals.exited + totals.left > 0
    });
    assert!(seen.await, "nobody completed or nobody left");
    let seen = fake.until(Duration::from_secs(90), |_| {
        let till = fake.till();
        let counters = [&till.released, &till.paid, &till.declined, &till.cancelled];
        counters
            .iter()
            .all(|counter| counter.load(Ordering::Relaxed) > 0)
    });
    assert!(seen.await, "the crowd does not shop in every way");
    shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(30), crowd)
        .await
        .unwrap()
        .unwrap();
}
