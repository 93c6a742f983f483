//! The layer itself, and its settings.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use axum::{
    body::Body,
    http::{Request, Response, StatusCode},
};
use futures::future::{Ready, ready};
use sunbeon_domain::{ConcertId, EntryNumber, MemberId};
use sunbeon_gate::{Admitted, Gate, InvalidSettings, OnFailure, Settings, SunbeonUrl};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::world::{NUMBER, ORIGIN_TOKEN, World, settings, visit};

fn request(world: &World, member: &str) -> Request<Body> {
    Request::get("/concerts/demo")
        .header("member", member)
        .header("x-queue-token", world.token("demo", "42"))
        .body(Body::empty())
        .unwrap()
}

#[tokio::test]
async fn a_foreign_admission_in_a_request_is_replaced() {
    let world = World::closed().await;
    let origin = service_fn(async |request: Request<Body>| {
        let admitted = request.extensions().get::<Admitted>().cloned();
        Ok::<_, Infallible>(Response::new(Body::from(format!(
            "{:?}",
            admitted.unwrap()
        ))))
    });
    let gated = world.gate.layer(visit).layer(origin);
    let forged = Admitted {
        concert: ConcertId::parse("other").unwrap(),
        member: MemberId::parse("admin").unwrap(),
        entry_number: Some(EntryNumber(1)),
        until: None,
    };
    let mut good = request(&world, "42");
    good.extensions_mut().insert(forged.clone());
    let answer = gated.clone().oneshot(good).await.unwrap();
    let shown = axum::body::to_bytes(answer.into_body(), 1_000)
        .await
        .unwrap();
    let shown = String::from_utf8(shown.to_vec()).unwrap();
    assert!(shown.contains(&NUMBER.to_string()), "{shown}");
    assert!(!shown.contains("admin"), "{shown}");

    let mut bad = request(&world, "43");
    bad.extensions_mut().insert(forged);
    let answer = gated.oneshot(bad).await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}

/// Is ready once and then never; fails when called.
#[derive(Clone)]
struct Broken {
    ready: bool,
}

impl Service<Request<Body>> for Broken {
    type Response = Response<Body>;
    type Error = &'static str;
    type Future = Ready<Result<Response<Body>, &'static str>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        if self.ready {
            Poll::Ready(Ok(()))
        } else {
            Poll::Ready(Err("not ready"))
        }
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        ready(Err("broken"))
    }
}

#[tokio::test]
async fn the_origins_own_errors_pass_through() {
    let world = World::closed().await;
    world.sunbeon.mode("free", "off");
    let gated = |ready| world.gate.layer(visit).layer(Broken { ready });
    let without_token = || {
        let request = Request::get("/concerts/free").header("member", "42");
        request.body(Body::empty()).unwrap()
    };
    let called = gated(true).oneshot(request(&world, "42")).await;
    assert_eq!(called.unwrap_err(), "broken");
    let called = gated(true).oneshot(without_token()).await;
    assert_eq!(called.unwrap_err(), "broken", "after asking Sunbeon");
    let called = gated(false).oneshot(request(&world, "42")).await;
    assert_eq!(called.unwrap_err(), "not ready");
    let refused = gated(true).oneshot(request(&world, "43")).await.unwrap();
    assert_eq!(
        refused.status(),
        StatusCode::FORBIDDEN,
        "the origin is not called"
    );
}

#[tokio::test]
async fn a_handler_that_is_not_behind_the_gate_admits_nobody() {
    let app = axum::Router::new().route("/", axum::routing::get(async |_: Admitted| "in"));
    let request = Request::get("/").body(Body::empty()).unwrap();
    let answer = app.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[test]
fn invalid_settings_are_refused() {
    let good = || settings("http://127.0.0.1:1/", OnFailure::Closed);
    assert!(Gate::new(&good(), ORIGIN_TOKEN).is_ok());
    let path = Settings {
        waiting_page: "/waiting-room/{concertId}".to_owned(),
        ..good()
    };
    assert!(Gate::new(&path, ORIGIN_TOKEN).is_ok());
    for url in [
        "",
        "queue.example",
        "ftp://queue.example",
        "/queue",
        "http://queue.example/?a",
    ] {
        assert!(SunbeonUrl::parse(url).is_err(), "{url}");
    }
    for page in [
        "",
        "waiting-room",
        "//evil/{concertId}",
        "javascript:alert(1)",
        "http://",
        "/대기",
    ] {
        let bad = Settings {
            waiting_page: page.to_owned(),
            ..good()
        };
        assert_eq!(
            Gate::new(&bad, ORIGIN_TOKEN).err(),
            Some(InvalidSettings::WaitingPage),
            "{page}"
        );
    }
    for host in [
        "",
        "https://shop.example",
        "shop.example/",
        "a b",
        "shop.example:x",
    ] {
        let bad = Settings {
            own_hosts: vec![host.to_owned()],
            ..good()
        };
        assert_eq!(
            Gate::new(&bad, ORIGIN_TOKEN).err(),
            Some(InvalidSettings::OwnHosts),
            "{host}"
        );
    }
    let bad = Settings {
        on_failure: None,
        ..good()
    };
    assert_eq!(
        Gate::new(&bad, ORIGIN_TOKEN).err(),
        Some(InvalidSettings::OnFailure)
    );
}
