//! The way through the line, as a browser without a script goes it.

use std::time::Duration;

use serde_json::json;
use sunbeon_test_support::{Browser, eventually};

use crate::app::App;

sunbeon_test_support::on_both!(
    a_guest_without_a_script_gets_from_the_link_to_the_shop_through_the_line,
);

async fn a_guest_without_a_script_gets_from_the_link_to_the_shop_through_the_line(app: App) {
    let fields = json!({"identity": "guest", "autoOpen": false, "title": "겨울 콘서트"});
    app.create("c", fields).await;
    let browser = Browser::at(app.url());
    let link = "/concerts/c?from=mail&row=2";
    let page = browser.open(link).await.sent_to().to_owned();
    assert!(
        page.starts_with("/waiting-room/c?target=http%3A%2F%2F"),
        "{page}"
    );
    let target = format!("{}{link}", app.url());
    let field = format!("name=\"target\" value=\"{}\"", target.replace('&', "&amp;"));
    let join = browser.open(&page).await;
    assert_eq!(join.state(), "join");
    assert!(join.html.contains(&field), "{}", join.html);
    let form = page.split_once('?').expect("a way back").1.to_owned();
    let sent = browser.submit("/waiting-room/c/enter", &form).await;
    assert_eq!(sent.sent_to(), page);
    assert_eq!(browser.open(&page).await.state(), "waiting");
    app.open("c", 1).await.data(200);
    eventually(Duration::from_secs(60), "the turn", async || {
        browser.open(&page).await.state() == "called"
    })
    .await;
    let claimed = browser.submit("/reservation/c", &form).await;
    assert_eq!(claimed.sent_to(), target);
    assert_eq!(browser.open(link).await.status, 200);
    // Out again: the shop sends the browser back to the line.
    let entry = browser.open(&page).await.leaving();
    let left = browser
        .submit("/waiting-room/c/exit", &format!("{form}&{entry}"))
        .await;
    assert_eq!(left.sent_to(), format!("{page}&said=left"));
    assert_eq!(browser.open(&page).await.state(), "join");
    eventually(Duration::from_secs(60), "the shop is closed", async || {
        browser.open(link).await.status == 303
    })
    .await;
}
