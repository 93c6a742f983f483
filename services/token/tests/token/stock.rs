//! What shops report to have left.

use serde_json::{Value, json};
use sunbeon_test_support::{
    Answer, Method,
    access::{ORIGIN_TOKEN, admin, member},
    send,
};

use crate::app::App;

sunbeon_test_support::on_both!(
    a_shop_tells_the_line_what_is_left,
    malformed_reports_are_refused,
);

async fn report(app: &App, id: &str, token: &str, body: &Value) -> Answer {
    let path = format!("/v2/reservation/stock/{id}");
    send(app.api.request(Method::PUT, &path, token).json(body)).await
}

async fn a_shop_tells_the_line_what_is_left(app: App) {
    app.stage.create_by_hand("c").await;
    let tiers = json!([{"name": "R", "price": 150_000, "left": 12}, {"name": "스탠딩", "left": 0}]);
    let body = json!({"tiers": tiers, "held": 3});
    report(&app, "c", "", &body).await.fails("UNAUTHENTICATED");
    let fan = member("a");
    report(&app, "c", &fan, &body).await.fails("FORBIDDEN");
    assert_eq!(app.stage.snapshot("c").await.line_facts.stock, None);
    for token in [ORIGIN_TOKEN, &admin()] {
        let told = report(&app, "c", token, &body).await;
        assert_eq!(*told.data(200), json!({"live": false}));
    }
    let facts = app.stage.snapshot("c").await.line_facts;
    let stock = serde_json::to_value(facts.stock.expect("it was reported")).unwrap();
    assert_eq!((&stock["tiers"], facts.sold_out), (&tiers, false));
    app.stage.enter("c", "a").await;
    let nothing = json!({"tiers": [{"name": "R", "left": 0}], "held": 0});
    let told = report(&app, "c", ORIGIN_TOKEN, &nothing).await;
    assert_eq!(*told.data(200), json!({"live": true}));
    assert!(app.stage.snapshot("c").await.line_facts.sold_out);
    let nowhere = report(&app, "nowhere", ORIGIN_TOKEN, &body).await;
    nowhere.fails("CONCERT_NOT_FOUND");
}

async fn malformed_reports_are_refused(app: App) {
    app.stage.create_by_hand("c").await;
    let good = json!({"name": "R", "left": 1});
    let refused = async |body: Value, code: &str| {
        let answer = report(&app, "c", ORIGIN_TOKEN, &body).await;
        assert_eq!(answer.code(), code, "{body}");
    };
    for tier in [
        json!({"name": "R"}),
        json!({"left": 1}),
        json!({"name": "", "left": 1}),
        json!({"name": "a\nb", "left": 1}),
        json!({"name": "가".repeat(101), "left": 1}),
        json!({"name": "R", "left": -1}),
        json!({"name": "R", "left": 1.5}),
        json!({"name": "R", "left": 10_000_001}),
        json!({"name": "R", "left": 1, "price": -1}),
        json!({"name": "R", "left": 1, "price": null}),
        json!({"name": "R", "left": 1, "price": 1_000_000_001}),
        json!({"name": "R", "left": 1, "more": 1}),
        json!(["R", 1, 1]),
    ] {
        refused(json!({"tiers": [good, tier], "held": 0}), "INVALID_TIERS").await;
    }
    for tiers in [
        json!(null),
        json!("R"),
        json!([]),
        json!(vec![good.clone(); 65]),
    ] {
        refused(json!({"tiers": tiers, "held": 0}), "INVALID_TIERS").await;
    }
    for held in [
        json!(null),
        json!("1"),
        json!(-1),
        json!(0.5),
        json!(10_000_001),
    ] {
        refused(json!({"tiers": [good], "held": held}), "INVALID_HELD").await;
    }
    refused(json!({}), "INVALID_TIERS").await;
    refused(json!({"tiers": [good]}), "INVALID_HELD").await;
    refused(json!([]), "INVALID_BODY").await;
    let more = json!({"tiers": [good], "held": 0, "more": 1});
    refused(more, "INVALID_BODY").await;
    let most = json!({"tiers": vec![good.clone(); 64], "held": 10_000_000});
    report(&app, "c", ORIGIN_TOKEN, &most).await.data(200);
}
