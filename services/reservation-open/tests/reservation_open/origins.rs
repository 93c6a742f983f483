//! A shop's back end can read concerts but not change them.

use reqwest::Method;
use serde_json::json;
use sunbeon_test_support::{
    access::{ADMIN_TOKEN, ORIGIN_TOKEN},
    send,
};

use crate::app::{App, CONCERTS};

#[tokio::test]
async fn origins_can_read_concerts_but_not_change_them() {
    let app = App::embedded().await;
    let concert = json!({"concertId": "c1", "title": "Concert"});
    let created = app.post_json(CONCERTS, ADMIN_TOKEN, &concert).await;
    let one = format!("{CONCERTS}/c1");
    for token in [ADMIN_TOKEN, ORIGIN_TOKEN] {
        let list = app.get(CONCERTS, token).await;
        assert_eq!(list.data(200)["concerts"][0], *created.data(201));
        assert_eq!(app.get(&one, token).await.data(200), created.data(201));
    }
    for (method, path) in [
        (Method::POST, CONCERTS.to_owned()),
        (Method::PATCH, one.clone()),
        (Method::DELETE, one.clone()),
        (Method::POST, format!("{one}/pause")),
        (Method::POST, format!("{one}/resume")),
        (Method::POST, format!("{one}/close")),
        (Method::POST, format!("{one}/clear")),
        (Method::POST, "/v2/reservation/open/c1".to_owned()),
        (Method::GET, "/v2/admin/audit".to_owned()),
    ] {
        let request = app.request(method, &path, ORIGIN_TOKEN).json(&concert);
        let refused = send(request.header("If-Match", "\"1\"")).await;
        refused.fails("FORBIDDEN");
    }
    let unchanged = app.get(&one, ADMIN_TOKEN).await;
    assert_eq!(unchanged.data(200), created.data(201));
}
