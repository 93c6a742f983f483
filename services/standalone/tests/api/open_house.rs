//! Concerts that nobody lines up for, as proxies hear of them.

use reqwest::Method;
use serde_json::json;

use crate::{
    answer::send,
    app::{App, admin, in_seconds, member},
    gate_routes::{inside, passes, verify},
    guests::guest,
};

on_both!(
    in_mode_off_every_member_passes_while_the_sale_is_open,
    in_mode_off_a_session_runs_to_its_end_whatever_becomes_of_the_sale,
    in_mode_off_guests_pass_where_guests_may_line_up,
);

async fn in_mode_off_every_member_passes_while_the_sale_is_open(app: App) {
    app.create("c", json!({"mode": "off"})).await;
    assert!(passes(&app, "a", "").await);
    assert!(passes(&app, "a", "garbage").await);
    assert_eq!(verify(&app, "concertId=c", "", "").await.status, 401);
    let at = |seconds| sunbeon_domain::UnixMs(in_seconds(seconds) * 1000);
    let changes = [
        (json!({"paused": true}), false),
        (json!({"paused": false}), true),
        (json!({"mode": "queue"}), false),
        (json!({"mode": "off"}), true),
        (json!({"bookingStartAt": at(3_600)}), false),
        (
            json!({"bookingStartAt": at(360_000), "joinStartHours": 1}),
            false,
        ),
        (json!({"bookingStartAt": at(-60)}), true),
        (json!({"bookingEndAt": at(-1)}), false),
        (json!({"bookingEndAt": at(3_600)}), true),
    ];
    for (version, (change, expected)) in (1..).zip(changes) {
        app.patch("c", version, &change).await.data(200);
        assert_eq!(passes(&app, "a", "").await, expected, "{change}: at once");
        let entered = app.enter("c", &format!("m{version}")).await.status == 201;
        assert!(entered || !expected, "{change}: whom `enter` refuses");
    }
    app.post("/v2/admin/concerts/c/close", &admin())
        .await
        .data(200);
    assert!(!passes(&app, "a", "").await);
}

async fn in_mode_off_a_session_runs_to_its_end_whatever_becomes_of_the_sale(app: App) {
    app.create_by_hand("c").await;
    let token = inside(&app, "c", "a").await;
    app.patch("c", 1, &json!({"mode": "off", "paused": true}))
        .await
        .data(200);
    assert!(passes(&app, "a", &token).await);
    assert!(!passes(&app, "a", "").await);
    assert!(!passes(&app, "b", &token).await);
    app.post("/v2/admin/concerts/c/close", &admin())
        .await
        .data(200);
    assert!(passes(&app, "a", &token).await);
}

async fn in_mode_off_guests_pass_where_guests_may_line_up(app: App) {
    let of_guests = json!({"mode": "off", "identity": "guest"});
    app.create("guests", of_guests).await;
    app.create("c", json!({"mode": "off"})).await;
    let (id, token) = guest(&app, "guests").await;
    let admitted = verify(&app, "concertId=guests", &token, "").await;
    assert_eq!(
        (admitted.status, admitted.header("x-member-id")),
        (204, id.as_str())
    );
    verify(&app, "concertId=c", &token, "")
        .await
        .fails("QUEUE_TOKEN_REQUIRED");
    for concert in ["guests", "c"] {
        let query = format!("concertId={concert}");
        assert_eq!(verify(&app, &query, &member("a"), "").await.status, 204);
    }
    for (concert, identity) in [("guests", "guest"), ("c", "member")] {
        let path = format!("/v2/waiting-room/snapshot/{concert}");
        let shown = send(app.request(Method::GET, &path, "")).await;
        assert_eq!(shown.data(200)["identity"], identity);
    }
    app.patch("guests", 1, &json!({"identity": "member"}))
        .await
        .data(200);
    verify(&app, "concertId=guests", &token, "")
        .await
        .fails("QUEUE_TOKEN_REQUIRED");
}
