//! The shop behind its gate: who gets in, and who is next.

use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use sunbeon_test_support::{
    Answer, GATED_ROUTES,
    access::{admin, member},
    eventually, send,
};

use crate::app::App;

sunbeon_test_support::on_both!(
    no_gated_route_answers_without_a_valid_token,
    naming_another_concert_in_the_body_does_not_open_it,
    the_token_of_an_ended_session_opens_nothing_after_five_seconds,
    a_paid_booking_ends_the_session_and_lets_the_next_member_in,
    a_cancellation_lets_the_next_member_in,
    all_sold_is_told_and_no_more_are_called_than_can_have_what_comes_back,
    a_small_room_where_people_come_and_go_never_stalls,
);

const REQUIRED: &str = "QUEUE_TOKEN_REQUIRED";
/// Long enough for anything pending, on a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(60);

/// Somebody in the shop.
struct Shopper<'a> {
    app: &'a App,
    who: &'a str,
    token: String,
}

impl<'a> Shopper<'a> {
    /// Joins a concert with a free slot, and goes in once the gate knows.
    async fn goes_in(app: &'a App, concert: &str, who: &'a str) -> Self {
        let entered = app.enter(concert, who).await;
        assert_eq!(entered.data(201)["status"], "READY");
        Self::is_called(app, concert, who).await
    }

    /// Goes in after being called.
    async fn is_called(app: &'a App, concert: &str, who: &'a str) -> Self {
        let path = format!("/v2/reservation/token/{concert}");
        let issued = app.get(&path, &member(who)).await;
        let token = issued.data(200)["token"].as_str().expect("a token");
        let token = token.to_owned();
        let shopper = Self { app, who, token };
        eventually(SOON, "the gate sees", async || {
            shopper.seats(concert).await.status == 200
        })
        .await;
        shopper
    }

    /// Requests any route of the shop.
    async fn ask(&self, method: Method, path: &str, body: &Value) -> Answer {
        ask(self.app, method, path, self.who, &self.token, body).await
    }

    /// Returns whether the gate lets the shopper in now: 200, 403, or 503 while it is blind.
    async fn seats_now(&self, concert: &str) -> u16 {
        let path = format!("/v2/concerts/{concert}/seats");
        let request = self.app.request(Method::GET, &path, &member(self.who));
        let request = request.header("X-Queue-Token", &self.token);
        send(request).await.status
    }

    async fn seats(&self, concert: &str) -> Answer {
        let path = format!("/v2/concerts/{concert}/seats");
        self.ask(Method::GET, &path, &Value::Null).await
    }

    async fn lock(&self, seats: &[&str]) -> Answer {
        let body = json!({ "seatIds": seats });
        self.ask(Method::POST, "/v2/seats/lock", &body).await
    }

    /// Books held seats or tickets, and returns the booking's id.
    async fn book(&self, what: &Value) -> String {
        let booked = self.ask(Method::POST, "/v2/bookings", what).await;
        let id = booked.data(201)["bookingId"].as_str().expect("an id");
        id.to_owned()
    }

    async fn pay(&self, booking: &str) -> Answer {
        let path = format!("/v2/bookings/{booking}/confirm");
        let card = json!({"paymentToken": "card"});
        self.ask(Method::POST, &path, &card).await
    }

    async fn cancel(&self, booking: &str) {
        let path = format!("/v2/bookings/{booking}");
        let cancelled = self.app.delete(&path, &member(self.who)).await;
        cancelled.data(200);
    }
}

/// Requests a route of the shop, without a login if `who` is empty and without a booking token if
/// that is empty. Retries while the gate is blind, because a machine may be too busy for its polls.
async fn ask(
    app: &App,
    method: Method,
    path: &str,
    who: &str,
    token: &str,
    body: &Value,
) -> Answer {
    let access = match who {
        "" => String::new(),
        who => member(who),
    };
    let mut answer = None;
    eventually(SOON, "the gate sees", async || {
        let mut request = app.request(method.clone(), path, &access);
        if !token.is_empty() {
            request = request.header("X-Queue-Token", token);
        }
        if method != Method::GET {
            request = request.json(body);
        }
        let said = answer.insert(send(request).await);
        said.body["code"] != "WAITING_ROOM_DOWN"
    })
    .await;
    answer.expect("the last answer")
}

/// Returns the policy of a concert that lets this many straight in.
fn threshold(slots: u32) -> Value {
    json!({"mode": "threshold", "maxActive": slots, "groupSize": 10, "entryIntervalSeconds": 1})
}

/// Creates a concert with seats `<concert>.A.1.1` to `….A.2.10` and this many tickets `floor`.
async fn sell(app: &App, concert: &str, policy: Value, tickets: u32) {
    app.create(concert, policy).await;
    let plan = json!({
        "perMemberLimit": 4,
        "sections": [{"section": "A", "price": 1000, "rows": 2, "seatsPerRow": 10}],
        "tickets": [{"ticketId": "floor", "name": "스탠딩", "price": 500, "quantity": tickets}],
    });
    let path = format!("/v2/stock/{concert}");
    let request = app.request(Method::PUT, &path, &admin()).json(&plan);
    send(request).await.data(200);
}

fn one_ticket() -> Value {
    json!({"tickets": [{"ticketId": "floor", "quantity": 1}]})
}

async fn waits(app: &App, concert: &str, who: &str) {
    let entered = app.enter(concert, who).await;
    assert_eq!(entered.data(201)["status"], "WAITING", "{who}");
}

async fn no_gated_route_answers_without_a_valid_token(app: App) {
    for concert in ["rock", "jazz"] {
        sell(&app, concert, threshold(10), 5).await;
    }
    let me = Shopper::goes_in(&app, "rock", "me").await;
    let somebody = Shopper::goes_in(&app, "rock", "somebody").await;
    let elsewhere = Shopper::goes_in(&app, "jazz", "me").await;
    me.lock(&["rock.A.1.1"]).await.data(200);
    let booking = me.book(&json!({"seatIds": ["rock.A.1.1"]})).await;

    let forged = format!("{}x", &me.token[..me.token.len() - 1]);
    let unsigned = format!("{}.", me.token.rsplit_once('.').expect("three parts").0);
    for (method, path) in GATED_ROUTES {
        let path = path.replace("{bookingId}", &booking);
        let body = match path.ends_with("/confirm") {
            true => json!({"paymentToken": "card"}),
            false => json!({"seatIds": ["rock.A.1.2"]}),
        };
        for (why, token) in [
            ("no", ""),
            ("another member's", somebody.token.as_str()),
            ("another concert's", elsewhere.token.as_str()),
            ("a forged", forged.as_str()),
            ("an unsigned", unsigned.as_str()),
        ] {
            let answer = ask(&app, method.clone(), &path, "me", token, &body).await;
            assert_eq!(
                (answer.status, &answer.body["code"]),
                (403, &json!(REQUIRED)),
                "{why} token: {method} {path}: {}",
                answer.text
            );
            if token.is_empty() && path.contains("rock") {
                assert_eq!(
                    answer.body["data"]["waitingPage"], "/waiting-room/rock",
                    "{method} {path}"
                );
            }
        }
        let nobody = ask(&app, method.clone(), &path, "", &me.token, &body).await;
        nobody.fails("UNAUTHENTICATED");
    }
    // None of this changed anything, and the valid token is still valid.
    let is_taken = |seat: &&Value| seat["state"] != "AVAILABLE";
    // The map is shared and up to a second old.
    eventually(SOON, "one seat is taken", async || {
        let seats = somebody.seats("rock").await;
        let seats = seats.data(200)["seats"].as_array().cloned();
        seats.expect("seats").iter().filter(is_taken).count() == 1
    })
    .await;
    assert_eq!(me.pay(&booking).await.data(200)["state"], "CONFIRMED");
}

async fn naming_another_concert_in_the_body_does_not_open_it(app: App) {
    for concert in ["rock", "jazz"] {
        sell(&app, concert, threshold(10), 5).await;
    }
    let rock = Shopper::goes_in(&app, "rock", "me").await;
    let jazz = Shopper::goes_in(&app, "jazz", "me").await;
    rock.lock(&["jazz.A.1.1"]).await.fails(REQUIRED);
    let both = ["rock.A.1.1", "jazz.A.1.1"];
    rock.lock(&both).await.fails(REQUIRED);
    jazz.lock(&["jazz.A.1.1"]).await.data(200);
    let seat = json!({"seatIds": ["jazz.A.1.1"]});
    for method in [Method::POST, Method::DELETE] {
        rock.ask(method, "/v2/seats/lock", &seat)
            .await
            .fails(REQUIRED);
    }
    rock.ask(Method::POST, "/v2/bookings", &seat)
        .await
        .fails(REQUIRED);
    let booking = jazz.book(&seat).await;
    rock.pay(&booking).await.fails(REQUIRED);
    // Naming the other concert beside the token does not help.
    let path = "/v2/seats/lock?concertId=jazz";
    let other = json!({"seatIds": ["jazz.A.1.2"]});
    rock.ask(Method::POST, path, &other).await.fails(REQUIRED);
    assert_eq!(jazz.pay(&booking).await.data(200)["state"], "CONFIRMED");
}

async fn the_token_of_an_ended_session_opens_nothing_after_five_seconds(app: App) {
    let ways = ["complete", "exit", "removal"];
    for how in ways {
        sell(&app, how, threshold(1), 5).await;
    }
    join_all(ways.map(|how| ends(&app, how))).await;
}

/// Ends a session in this way, at a concert of that name.
async fn ends(app: &App, how: &str) {
    let inside = Shopper::goes_in(app, how, "me").await;
    let answer = match how {
        "complete" => {
            let path = format!("/v2/reservation/complete/{how}");
            let request = app.request(Method::POST, &path, &member("me"));
            send(request.header("X-Queue-Token", &inside.token)).await
        }
        "exit" => {
            let path = format!("/v2/waiting-room/exit/{how}");
            app.post(&path, &member("me")).await
        }
        _ => {
            let path = format!("/v2/admin/concerts/{how}/members/me");
            app.delete(&path, &admin()).await
        }
    };
    let ended = Instant::now();
    answer.data(200);
    eventually(SOON, "the gate knows", async || {
        // The slot stays taken for as long as a gate may still let its holder in.
        let free = app.line(how).await["counts"]["slots"] == 0;
        let late = ended.elapsed();
        let inside = inside.seats_now(how).await;
        assert!(
            inside != 200 || late <= Duration::from_secs(5),
            "{how}: let in after {late:?}"
        );
        assert!(
            inside != 200 || !free,
            "{how}: the slot was free before the gate knew"
        );
        inside == 403
    })
    .await;
    eventually(SOON, "the slot is free", async || {
        app.line(how).await["counts"]["slots"] == 0
    })
    .await;
}

async fn a_paid_booking_ends_the_session_and_lets_the_next_member_in(app: App) {
    sell(&app, "rock", threshold(1), 5).await;
    let me = Shopper::goes_in(&app, "rock", "me").await;
    waits(&app, "rock", "next").await;
    let booking = me.book(&one_ticket()).await;
    assert_eq!(me.pay(&booking).await.data(200)["state"], "CONFIRMED");
    // Only the shop reports that the session has ended.
    app.is_ready("rock", "next").await;
    let line = app.line("rock").await;
    assert_eq!(line["totals"]["completed"], 1, "{line}");
    assert_eq!(app.standing("rock", "me").await["status"], "NOT_IN_QUEUE");
    me.seats("rock").await.fails(REQUIRED);
    let next = Shopper::is_called(&app, "rock", "next").await;
    next.book(&one_ticket()).await;
}

/// Some members inside and the rest in line.
async fn a_cancellation_lets_the_next_member_in(app: App) {
    sell(&app, "coach", threshold(2), 2).await;
    let first = Shopper::goes_in(&app, "coach", "first").await;
    let second = Shopper::goes_in(&app, "coach", "second").await;
    waits(&app, "coach", "third").await;
    first.book(&one_ticket()).await;
    let booking = second.book(&one_ticket()).await;
    let sold_out = first.ask(Method::POST, "/v2/bookings", &one_ticket()).await;
    sold_out.fails("SOLD_OUT");
    assert_eq!(app.standing("coach", "third").await["status"], "WAITING");

    second.cancel(&booking).await;
    app.is_ready("coach", "third").await;
    let third = Shopper::is_called(&app, "coach", "third").await;
    third.book(&one_ticket()).await;
}

async fn all_sold_is_told_and_no_more_are_called_than_can_have_what_comes_back(app: App) {
    app.create("coach", threshold(5)).await;
    let plan = json!({"perMemberLimit": 4, "tickets":
        [{"ticketId": "floor", "name": "Floor", "price": 10, "quantity": 2}]});
    let put = app.request(Method::PUT, "/v2/stock/coach", &admin());
    send(put.json(&plan)).await.data(200);
    let first = Shopper::goes_in(&app, "coach", "first").await;
    let second = Shopper::goes_in(&app, "coach", "second").await;
    let mut bookings = Vec::new();
    for shopper in [&first, &second] {
        let booking = shopper.book(&one_ticket()).await;
        shopper.pay(&booking).await.data(200);
        bookings.push(booking);
    }
    let snapshot = async || {
        let path = "/v2/waiting-room/snapshot/coach";
        app.get(path, "").await.data(200).clone()
    };
    let is_told = async |who: &str| {
        eventually(SOON, &format!("{who} is told"), async || {
            app.standing("coach", who).await["soldOut"] == true
        })
        .await;
    };
    eventually(SOON, "all is sold", async || {
        snapshot().await["soldOut"] == true
    })
    .await;
    // There are slots, but nothing to have.
    for who in ["third", "fourth"] {
        waits(&app, "coach", who).await;
        is_told(who).await;
    }
    let line = app.line("coach").await;
    assert_eq!(
        (&line["soldOut"], &line["counts"]["waiting"]),
        (&json!(true), &json!(2))
    );

    second.cancel(&bookings[1]).await;
    app.is_ready("coach", "third").await;
    nobody_else_is_called(&app).await;
    // Until the third holds the ticket it counts as left, because those inside may buy nothing. Pause,
    // so that nobody else is called for it before the line has heard of the hold.
    pauses(&app, "coach", "pause").await;
    let third = Shopper::is_called(&app, "coach", "third").await;
    let booking = third.book(&one_ticket()).await;
    let left = async || app.line("coach").await["stock"]["tiers"][0]["left"].clone();
    eventually(SOON, "the line hears of it", async || left().await == 0).await;
    pauses(&app, "coach", "resume").await;
    nobody_else_is_called(&app).await;
    third.pay(&booking).await.data(200);
    let third_is_out = async || app.line("coach").await["counts"]["inside"] == 0;
    eventually(SOON, "the third is out", third_is_out).await;
    is_told("fourth").await;
    nobody_else_is_called(&app).await;
}

/// Lets the schedule come round a few times, and finds the fourth still in line.
async fn nobody_else_is_called(app: &App) {
    tokio::time::sleep(Duration::from_secs(3)).await;
    let line = app.line("coach").await;
    let totals = (&line["counts"]["waiting"], &line["totals"]["admitted"]);
    assert_eq!(totals, (&json!(1), &json!(3)), "there was one ticket");
}

/// Pauses or resumes a concert.
async fn pauses(app: &App, concert: &str, what: &str) {
    let path = format!("/v2/admin/concerts/{concert}/{what}");
    app.post(&path, &admin()).await.data(200);
}

/// The behaviour of somebody in the small room.
#[derive(Clone, Copy, PartialEq)]
enum Habit {
    /// Leaves while waiting.
    Leaves,
    /// Is called and never comes.
    StaysAway,
    /// Is called and leaves.
    GivesUp,
    /// Holds a seat and leaves.
    Exits,
    /// Books and cancels.
    Cancels,
    /// Books and pays.
    Pays,
}

async fn a_small_room_where_people_come_and_go_never_stalls(app: App) {
    use Habit::{Cancels, Exits, GivesUp, Leaves, Pays, StaysAway};
    let mut policy = threshold(2);
    policy["readyTtlSeconds"] = 10.into();
    sell(&app, "rock", policy, 20).await;
    let habits = [
        Pays, StaysAway, Leaves, GivesUp, Exits, Cancels, GivesUp, Pays,
    ];
    let names: Vec<_> = (0..habits.len()).map(|i| format!("fan-{i}")).collect();
    for (i, who) in names.iter().enumerate() {
        let entered = app.enter("rock", who).await;
        let stands = if i < 2 { "READY" } else { "WAITING" };
        assert_eq!(entered.data(201)["status"], stands, "{who}");
    }
    let lives = names.iter().zip(habits);
    join_all(lives.map(|(who, habit)| live(&app, who, habit))).await;
    eventually(SOON, "every slot is free", async || {
        app.line("rock").await["counts"]["slots"] == 0
    })
    .await;
    let line = app.line("rock").await;
    let total = |name: &str| line["totals"][name].as_u64().expect("a total");
    assert_eq!(line["counts"]["waiting"], 0, "{line}");
    assert_eq!((total("admitted"), total("left")), (7, 1), "{line}");
    // Cancelling ends a session just as paying does.
    assert_eq!((total("completed"), total("exited")), (3, 3), "{line}");
    assert_eq!(total("unclaimed"), 1, "{line}");
}

async fn live(app: &App, who: &str, habit: Habit) {
    let exit = async || {
        let path = "/v2/waiting-room/exit/rock";
        app.post(path, &member(who)).await.data(200);
    };
    if habit == Habit::Leaves {
        return exit().await;
    }
    eventually(SOON, "everybody's turn comes", async || {
        let line = app.line("rock").await;
        assert!(line["counts"]["slots"].as_u64() <= Some(2), "{line}");
        app.standing("rock", who).await["status"] == "READY"
    })
    .await;
    match habit {
        Habit::StaysAway => return,
        Habit::GivesUp => return exit().await,
        _ => {}
    }
    let shopper = Shopper::is_called(app, "rock", who).await;
    if habit == Habit::Exits {
        shopper.lock(&["rock.A.1.1"]).await.data(200);
        return exit().await;
    }
    let booking = shopper.book(&one_ticket()).await;
    if habit == Habit::Cancels {
        shopper.cancel(&booking).await;
    } else {
        shopper.pay(&booking).await.data(200);
    }
}
