//! Concerts without a line, as proxies see them.

use serde_json::json;
use sunbeon_domain::UnixMs;
use sunbeon_test_support::access::{in_seconds, member};

use crate::{
    app::App,
    gate_routes::{passes, verify},
};

sunbeon_test_support::on_both!(
    in_mode_off_every_member_passes_while_the_sale_is_open,
    in_mode_off_a_session_outlives_the_end_of_the_sale,
    in_mode_off_guests_pass_where_guests_may_line_up,
);

async fn in_mode_off_every_member_passes_while_the_sale_is_open(app: App) {
    app.stage.create("c", json!({"mode": "off"})).await;
    assert!(passes(&app, "a", "").await);
    assert!(passes(&app, "a", "garbage").await);
    assert_eq!(verify(&app, "concertId=c", "", "").await.status, 401);
    let at = |seconds| UnixMs(in_seconds(seconds) * 1000);
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
    for (change, expected) in changes {
        app.stage.change("c", change.clone()).await;
        assert_eq!(passes(&app, "a", "").await, expected, "{change}: at once");
    }
    app.stage.close("c").await;
    assert!(!passes(&app, "a", "").await);
}

async fn in_mode_off_a_session_outlives_the_end_of_the_sale(app: App) {
    app.stage.create_by_hand("c").await;
    let token = app.inside("c", "a").await;
    app.stage
        .change("c", json!({"mode": "off", "paused": true}))
        .await;
    assert!(passes(&app, "a", &token).await);
    assert!(!passes(&app, "a", "").await);
    assert!(!passes(&app, "b", &token).await);
    app.stage.close("c").await;
    assert!(passes(&app, "a", &token).await);
}

async fn in_mode_off_guests_pass_where_guests_may_line_up(app: App) {
    let of_guests = json!({"mode": "off", "identity": "guest"});
    app.stage.create("guests", of_guests).await;
    app.stage.create("c", json!({"mode": "off"})).await;
    let id = "guest:1";
    let token = member(id);
    let admitted = verify(&app, "concertId=guests", &token, "").await;
    assert_eq!((admitted.status, admitted.header("x-member-id")), (204, id));
    verify(&app, "concertId=c", &token, "")
        .await
        .fails("QUEUE_TOKEN_REQUIRED");
    for concert in ["guests", "c"] {
        let query = format!("concertId={concert}");
        assert_eq!(verify(&app, &query, &member("a"), "").await.status, 204);
    }
    app.stage
        .change("guests", json!({"identity": "member"}))
        .await;
    verify(&app, "concertId=guests", &token, "")
        .await
        .fails("QUEUE_TOKEN_REQUIRED");
}
