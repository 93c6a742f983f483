//! No token, no entry.

use std::time::{Duration, Instant};

use reqwest::{Client, Method, redirect::Policy};
use serde_json::json;
use sunbeon_system_tests::{SOON, Service, at_once};
use sunbeon_test_support::{GATED_ROUTES, access::ADMIN_TOKEN, eventually};

use crate::world::{Sale, booking_id, threshold};

#[tokio::test(flavor = "multi_thread")]
async fn no_gated_route_answers_without_a_valid_token() {
    let sale = Sale::open().await;
    sale.sell("rock", threshold(10), 5).await;
    sale.sell("jazz", threshold(10), 5).await;
    let mine = sale.admit("rock", "me").await;
    let theirs = sale.admit("rock", "somebody").await;
    let elsewhere = sale.admit("jazz", "me").await;
    sale.gate_sees("rock", "me", &mine).await;
    let _ = sale.api.lock("me", &mine, &["rock.A.1.1"]).await.of(200);
    let what = json!({"seatIds": ["rock.A.1.1"]});
    let booked = sale.api.book("me", &mine, &what).await;
    let booking = booking_id(booked.data(201));

    let forged = format!("{}x", &mine[..mine.len() - 1]);
    let unsigned = format!("{}.", mine.rsplit_once('.').unwrap().0);
    for (method, path) in GATED_ROUTES {
        let path = path.replace("{bookingId}", &booking);
        let body = match path.ends_with("/confirm") {
            true => json!({"paymentToken": "card"}),
            false => json!({"seatIds": ["rock.A.1.2"]}),
        };
        let ask = |who: &'static str, token: String| {
            let (method, path, body) = (method.clone(), path.clone(), body.clone());
            let api = sale.api.clone();
            async move { api.shop(method, &path, who, &token, &body).await }
        };
        let bare = ask("me", String::new()).await;
        let told = bare.fails("QUEUE_TOKEN_REQUIRED");
        if path.contains("rock") {
            let page = told["waitingPage"].as_str().unwrap_or_default();
            assert!(page.ends_with("/waiting-room/rock"), "{page}");
        }
        ask("", mine.clone()).await.fails("UNAUTHENTICATED");
        for (why, token) in [
            ("another member's", &theirs),
            ("another concert's", &elsewhere),
            ("forged", &forged),
            ("unsigned", &unsigned),
        ] {
            let answer = ask("me", token.clone()).await;
            let code = answer.code();
            assert_eq!(
                (answer.status, code),
                (403, "QUEUE_TOKEN_REQUIRED"),
                "{why}: {method} {path}: {}",
                answer.body
            );
        }
    }
    // None of this changed anything.
    let is_taken = |seat: &&serde_json::Value| seat["state"] != "AVAILABLE";
    // The map is shared and up to a second old.
    eventually(SOON, "one seat is taken", async || {
        let seats = sale.api.seats("rock", "somebody", &theirs).await;
        let seats = seats.data(200)["seats"].as_array().cloned();
        seats.unwrap().iter().filter(is_taken).count() == 1
    })
    .await;
    let bookings = sale.api.bookings("me").await;
    assert_eq!(bookings.data(200)["bookings"][0]["state"], "PENDING");
}

#[tokio::test(flavor = "multi_thread")]
async fn naming_another_concert_in_the_body_does_not_open_it() {
    let sale = Sale::open().await;
    sale.sell("rock", threshold(10), 5).await;
    sale.sell("jazz", threshold(10), 5).await;
    let rock = sale.admit("rock", "me").await;
    let jazz = sale.admit("jazz", "me").await;
    sale.gate_sees("rock", "me", &rock).await;
    let required = "QUEUE_TOKEN_REQUIRED";
    sale.api
        .lock("me", &rock, &["jazz.A.1.1"])
        .await
        .fails(required);
    let both = ["rock.A.1.1", "jazz.A.1.1"];
    sale.api.lock("me", &rock, &both).await.fails(required);
    let _ = sale.api.lock("me", &jazz, &["jazz.A.1.1"]).await.of(200);
    let seats = json!({"seatIds": ["jazz.A.1.1"]});
    sale.api.book("me", &rock, &seats).await.fails(required);
    sale.api
        .unlock("me", &rock, &["jazz.A.1.1"])
        .await
        .fails(required);
    let booked = sale.api.book("me", &jazz, &seats).await;
    let booking = booking_id(booked.data(201));
    sale.api
        .confirm("me", &rock, &booking)
        .await
        .fails(required);
    let _ = sale.api.confirm("me", &jazz, &booking).await.of(200);
    // A concert without a line does not open another one, even if it is named.
    sale.sell("open-house", json!({"mode": "off"}), 5).await;
    let body = json!({"seatIds": ["rock.A.1.1"]});
    let path = "/v2/seats/lock?concertId=open-house";
    let answer = sale.api.shop(Method::POST, path, "me", "", &body).await;
    answer.fails(required);
    let body = json!({"seatIds": ["open-house.A.1.1"]});
    let _ = sale
        .api
        .shop(Method::POST, path, "me", "", &body)
        .await
        .of(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_an_ended_session_opens_nothing_after_five_seconds() {
    let sale = Sale::open().await;
    sale.sell("rock", threshold(3), 5).await;
    for (who, how) in [("a", "complete"), ("b", "exit"), ("c", "removal")] {
        let token = sale.admit("rock", who).await;
        sale.gate_sees("rock", who, &token).await;
        let answer = match how {
            "complete" => sale.api.complete("rock", who, &token).await,
            "exit" => sale.api.exit("rock", who).await,
            _ => sale.api.remove("rock", who).await,
        };
        let _ = answer.of(200);
        let ended = Instant::now();
        // The slot stays taken for as long as a gate may still let its holder in.
        eventually(SOON, "the gate knows", async || {
            let late = ended.elapsed();
            let seats = sale.api.seats("rock", who, &token).await;
            assert!(
                seats.status != 200 || late <= Duration::from_secs(5),
                "{how}: after {late:?}"
            );
            let slots = sale.api.line("rock").await.count("slots");
            assert!(
                seats.status != 200 || slots > 0 || ended.elapsed() > Duration::from_secs(5),
                "{how}: the slot was free before the gate knew"
            );
            seats.status == 403
        })
        .await;
        eventually(SOON, "the slot is free", async || {
            sale.api.line("rock").await.count("slots") == 0
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_cut_off_from_sunbeon_follows_its_on_failure_setting() {
    let sale = Sale::open().await;
    sale.sell("rock", threshold(10), 5).await;
    let token = sale.admit("rock", "me").await;
    let open = sale.stack.plan(Service::Booking);
    let open = open.with("SUNBEON__GATE__ON_FAILURE", "open").start().await;
    sale.gate_sees("rock", "me", &token).await;
    eventually(SOON, "the other gate sees", async || {
        open.api().seats("rock", "me", &token).await.status == 200
            && open.api().seats("rock", "me", "").await.status == 403
    })
    .await;
    let blind = async |what: &str| {
        eventually(SOON, what, async || {
            let closed = sale.api.seats("rock", "me", &token).await;
            let let_in = open.api().seats("rock", "me", "").await;
            if closed.status == 503 {
                closed.says_down("WAITING_ROOM_DOWN");
            }
            closed.status == 503 && let_in.status == 200
        })
        .await;
        // Even an open gate lets in nobody who is not logged in.
        let (api, path) = (open.api(), "/v2/concerts/rock/seats");
        let nobody = api.shop(Method::GET, path, "", "", &json!({})).await;
        nobody.fails("UNAUTHENTICATED");
    };
    let told = async |open: u32, closed: u32| {
        eventually(
            SOON,
            "the console learns which gates are blind",
            async || {
                let health = sale.api.get("/admin/health", ADMIN_TOKEN).await;
                health.body["blindGates"] == json!({"open": open, "closed": closed})
            },
        )
        .await;
    };
    let sees = async |what: &str| {
        eventually(SOON, what, async || {
            sale.api.seats("rock", "me", &token).await.status == 200
                && open.api().seats("rock", "me", "").await.status == 403
        })
        .await;
    };
    sale.stack.redis.kill();
    blind("without Redis both gates are blind").await;
    told(1, 1).await;
    sale.stack.redis.start_again().await;
    sees("with Redis back both see").await;
    told(0, 0).await;
    sale.token.kill();
    blind("without the token service both gates are blind").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_is_secure_if_a_proxy_in_front_of_the_door_ends_tls() {
    let sale = Sale::open().await;
    let guests = json!({"mode": "queue", "identity": "guest", "autoOpen": false});
    sale.api.create("rock", guests).await;
    let browser = Client::builder().redirect(Policy::none()).no_proxy();
    let browser = browser.build().expect("a client");
    let address = format!("{}/waiting-room/rock/enter", sale.api.url());
    for (told, secure) in [("https", true), ("http", false), ("", false)] {
        let form = browser
            .post(&address)
            .header("Sec-Fetch-Site", "same-origin");
        let form = form.header("Content-Type", "application/x-www-form-urlencoded");
        let form = match told {
            "" => form,
            told => form.header("X-Forwarded-Proto", told),
        };
        let sent = form.send().await.expect("an answer");
        let cookie = sent.headers()["set-cookie"].to_str().expect("ASCII");
        assert_eq!(cookie.contains("; Secure"), secure, "{told}: {cookie}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_address_does_not_evade_a_limit() {
    let limits = |plan: sunbeon_system_tests::ReplicaPlan| {
        plan.with("SUNBEON__LIMITS__LOOPBACK", "true")
            .with("SUNBEON__LIMITS__MAIN_PAGE_PER_SECOND", "5")
    };
    let sale = Sale::open_with(limits).await;
    sale.api.create("rock", threshold(3)).await;
    let all = (0..40).map(|i| {
        let api = sale.api.clone();
        async move {
            let forged = format!("203.0.113.{i}");
            api.main_page([127, 0, 0, 2], &forged).await
        }
    });
    let (refused, taken): (Vec<_>, Vec<_>) = at_once(40, all)
        .await
        .into_iter()
        .partition(|answer| answer.status == 429);
    for answer in taken {
        let _ = answer.of(200);
    }
    let refused = refused
        .first()
        .expect("forty requests at once are too many");
    assert_eq!(refused.code(), "TOO_MANY_REQUESTS");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!(wait >= 1);
    // The limit does not apply to other addresses.
    let other = sale.api.main_page([127, 0, 0, 3], "203.0.113.7").await;
    let _ = other.of(200);
    eventually(SOON, "the first may look again", async || {
        let answer = sale.api.main_page([127, 0, 0, 2], "203.0.113.7").await;
        answer.status == 200
    })
    .await;
}
