//! The waiting page's form that leads to the shop.

use sunbeon_test_support::{Browser, access::member};

use crate::app::App;

sunbeon_test_support::on_both!(
    who_was_called_goes_to_the_shop_with_the_booking_token_in_a_cookie,
    who_was_not_called_is_sent_back_to_the_line,
    another_sites_page_fetches_no_token,
);

const FORM: &str = "/reservation/c";

fn browser_of(app: &App, who: &str) -> Browser {
    let browser = Browser::at(app.api.url());
    browser.keep("sunbeon-access", &member(who));
    browser
}

async fn who_was_called_goes_to_the_shop_with_the_booking_token_in_a_cookie(app: App) {
    app.stage.create_by_hand("c").await;
    app.stage.enter("c", "fan").await;
    app.stage.call("c", "fan").await;
    let fan = browser_of(&app, "fan");
    let sent = fan.submit(FORM, "target=%2Fseats%3Frow%3D2").await;
    assert_eq!(sent.sent_to(), "/seats?row=2");
    assert!(
        sent.header("set-cookie")
            .contains("; HttpOnly; SameSite=Lax")
    );
    let token = fan.cookie("queue-token-c").expect("a cookie");
    // Sent again, it is the same session; without a way back, or with a foreign one, it is the landing page.
    for target in ["", "target=https%3A%2F%2Fevil.example%2F"] {
        assert_eq!(fan.submit(FORM, target).await.sent_to(), "/concerts/c");
        assert_eq!(fan.cookie("queue-token-c").as_ref(), Some(&token));
    }
}

async fn who_was_not_called_is_sent_back_to_the_line(app: App) {
    app.stage.create_by_hand("c").await;
    app.stage.enter("c", "fan").await;
    let page = "/waiting-room/c?target=%2Fseats";
    for browser in [browser_of(&app, "fan"), Browser::at(app.api.url())] {
        let sent = browser.submit(FORM, "target=%2Fseats").await;
        assert_eq!(sent.sent_to(), page);
        assert_eq!(browser.cookie("queue-token-c"), None);
    }
    // A link, or going back in the browser.
    let opened = browser_of(&app, "fan").open(FORM).await;
    assert_eq!(opened.sent_to(), "/waiting-room/c");
    let garbage = browser_of(&app, "fan")
        .submit(FORM, "target=a&target=b")
        .await;
    assert_eq!(garbage.sent_to(), "/waiting-room/c?said=not-now");
}

#[tokio::test]
async fn who_cannot_be_let_in_just_now_is_told_so_on_the_waiting_page() {
    let app = App::real().await;
    app.stage.create_by_hand("c").await;
    app.stage.enter("c", "fan").await;
    app.stage.call("c", "fan").await;
    app.stage.redis.as_ref().unwrap().kill();
    let fan = browser_of(&app, "fan");
    let sent = fan.submit(FORM, "target=%2Fseats").await;
    let page = "/waiting-room/c?target=%2Fseats&said=not-now";
    assert_eq!(sent.sent_to(), page);
    assert_eq!(fan.cookie("queue-token-c"), None);
}

async fn another_sites_page_fetches_no_token(app: App) {
    app.stage.create_by_hand("c").await;
    app.stage.enter("c", "fan").await;
    app.stage.call("c", "fan").await;
    let fan = browser_of(&app, "fan");
    assert_eq!(fan.submit_from("cross-site", FORM, "").await.status, 403);
    assert_eq!(fan.cookie("queue-token-c"), None);
    fan.submit(FORM, "").await.sent_to();
}
