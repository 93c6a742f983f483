//! The waiting page, as a browser without a script sees it.

use serde_json::json;
use sunbeon_domain::{ConcertId, StockReport, Tier, UnixMs};
use sunbeon_test_support::{Browser, Seen, access::member};

use crate::app::App;

sunbeon_test_support::on_both!(
    a_guest_takes_a_number_waits_is_called_and_leaves_without_a_script,
    a_guest_whose_login_has_run_out_keeps_the_number,
    a_page_that_is_only_looked_at_changes_nothing,
    every_state_has_its_page_in_both_languages,
    who_waits_sees_what_is_left_and_that_nothing_is,
    the_way_back_is_kept_and_never_leads_to_a_foreign_host,
    another_sites_page_can_neither_join_nor_leave,
    where_only_members_line_up_a_guest_is_asked_to_log_in,
    a_concert_that_does_not_exist_is_a_page_too,
);

const ENTER: &str = "/waiting-room/c/enter";
const EXIT: &str = "/waiting-room/c/exit";

/// Returns a browser in which nobody is logged in.
fn browser(app: &App) -> Browser {
    Browser::at(app.api.url())
}

/// Returns a browser in which a member is logged in.
fn browser_of(app: &App, who: &str) -> Browser {
    let browser = browser(app);
    browser.keep("sunbeon-access", &member(who));
    browser
}

async fn with_guests(app: &App, concert: &str) {
    let fields = json!({"identity": "guest", "autoOpen": false, "title": "겨울 콘서트"});
    app.stage.create(concert, fields).await;
}

async fn a_guest_takes_a_number_waits_is_called_and_leaves_without_a_script(app: App) {
    with_guests(&app, "c").await;
    let browser = browser(&app);
    assert_eq!(browser.open("/waiting-room/c").await.state(), "join");
    let sent = browser.submit(ENTER, "target=%2Fseats%3Frow%3D2").await;
    let page = "/waiting-room/c?target=%2Fseats%3Frow%3D2";
    assert_eq!(sent.sent_to(), page);
    let guest = browser.cookie("sunbeon-guest").expect("a guest's cookie");
    let waiting = browser.open(page).await;
    assert_eq!(waiting.state(), "waiting");
    assert!(
        waiting
            .html
            .contains("<noscript><meta http-equiv=\"refresh\"")
    );
    // Sent again, the form changes nothing.
    assert_eq!(browser.submit(ENTER, "").await.sent_to(), "/waiting-room/c");
    assert_eq!(browser.cookie("sunbeon-guest"), Some(guest));
    assert_eq!(app.api.line("c").await["totals"]["joined"], 1);
    let taken = app.stage.take("c", 1).await;
    let called: Vec<_> = taken.into_iter().map(|it| (it.member, it.number)).collect();
    let id = ConcertId::parse("c").expect("an id");
    app.stage
        .store
        .ready(&id, &called)
        .await
        .expect("the store is up");
    let called = browser.open(page).await;
    assert_eq!(called.state(), "called");
    assert!(called.html.contains("action=\"/reservation/c\""));
    assert!(
        called
            .html
            .contains("name=\"target\" value=\"/seats?row=2\"")
    );
    let asked = browser.open(&format!("{page}&leave=yes")).await;
    assert!(
        asked
            .html
            .contains("aria-labelledby=\"leaving-title\" open")
    );
    assert!(!asked.html.contains("http-equiv"));
    // What another tab showed, perhaps to another visitor, ends nothing.
    let other = browser.submit(EXIT, "target=%2Fseats&entry=5").await;
    assert_eq!(other.sent_to(), "/waiting-room/c?target=%2Fseats");
    assert_eq!(browser.open(other.sent_to()).await.state(), "called");
    let said = browser.open(&format!("{page}&said=left")).await;
    assert!(said.html.contains("id=\"said\" hidden"), "it is not true");
    let form = format!("target=%2Fseats&{}", asked.leaving());
    let left = browser.submit(EXIT, &form).await;
    assert_eq!(left.sent_to(), "/waiting-room/c?target=%2Fseats&said=left");
    assert_eq!(browser.open(left.sent_to()).await.state(), "join");
}

async fn a_page_that_is_only_looked_at_changes_nothing(app: App) {
    with_guests(&app, "c").await;
    let before = app.api.line("c").await;
    let page = browser(&app)
        .open("/waiting-room/c?leave=yes&said=left")
        .await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("set-cookie"), "");
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("referrer-policy"), "same-origin");
    // A link to a form, or going back to it in the browser.
    for form in [ENTER, EXIT] {
        let opened = browser(&app).open(form).await;
        assert_eq!(opened.sent_to(), "/waiting-room/c");
    }
    assert_eq!(app.api.line("c").await["totals"], before["totals"]);
}

/// Opens a page in both languages, each of which must have all of its texts.
async fn shown(browser: &Browser, page: &str) -> Seen {
    let [korean, english] = [
        browser.open(&format!("{page}?lang=ko")).await,
        browser.open(&format!("{page}?lang=en")).await,
    ];
    assert_eq!(korean.state(), english.state());
    for (page, lang) in [(&korean, "ko"), (&english, "en")] {
        let html = &page.html;
        assert!(html.contains(&format!("<html lang=\"{lang}\">")));
        // A text that is missing leaves its element empty; these are filled by the script only.
        let body = html.split_once("<main").expect("a body").1;
        for empty in [
            "<h1 id=\"heading\"></h1>",
            "<p class=\"label\" id=\"label\"></p>",
        ] {
            assert!(!body.contains(empty), "{html}");
        }
        for unfilled in ["undefined", "{n}", "{time}", "{low}", "{opens}", "{starts}"] {
            assert!(!body.contains(unfilled), "{unfilled}: {html}");
        }
    }
    korean
}

async fn every_state_has_its_page_in_both_languages(app: App) {
    let stage = &app.stage;
    let now = stage_now(&app).await;
    let fan = browser_of(&app, "fan");
    let by_hand = |fields: serde_json::Value| {
        let mut all = json!({"autoOpen": false, "identity": "guest"});
        let fields = fields.as_object().expect("fields").clone();
        all.as_object_mut().expect("fields").extend(fields);
        all
    };
    let starts = |hours: i64| json!({"bookingStartAt": now + hours * 3_600_000});
    for (concert, fields, state) in [
        ("early", by_hand(starts(6)), "early"),
        ("join", by_hand(json!({"notice": "1인 4매 <b>"})), "join"),
        ("soon", by_hand(starts(1)), "join"),
        ("members", json!({}), "join"),
    ] {
        stage.create(concert, fields).await;
        let page = shown(&fan, &format!("/waiting-room/{concert}")).await;
        assert_eq!(page.state(), state, "{concert}");
    }
    let nobody = browser(&app);
    let page = shown(&nobody, "/waiting-room/members").await;
    assert_eq!(page.state(), "sign-in");
    let escaped = shown(&nobody, "/waiting-room/join").await;
    assert!(escaped.html.contains("1인 4매 &lt;b&gt;"));
    assert!(!escaped.html.contains("4매 <b>"));
    stage.enter("soon", "fan").await;
    let page = shown(&fan, "/waiting-room/soon").await;
    assert_eq!(page.state(), "before");
    stage.create("line", by_hand(json!({}))).await;
    stage.enter("line", "fan").await;
    stage.enter("line", "other").await;
    let page = shown(&fan, "/waiting-room/line").await;
    assert_eq!(page.state(), "waiting");
    assert!(page.html.contains("뒤에 <b>1</b>명"), "{}", page.html);
    stage.change("line", json!({"paused": true})).await;
    until(&fan, "/waiting-room/line", "paused").await;
    shown(&fan, "/waiting-room/line").await;
    stage.change("line", json!({"paused": false})).await;
    stage.call("line", "fan").await;
    until(&fan, "/waiting-room/line", "called").await;
    shown(&fan, "/waiting-room/line").await;
    stage.claim("line", "fan").await;
    let page = shown(&fan, "/waiting-room/line").await;
    assert_eq!(page.state(), "entered");
    let full = browser_of(&app, "late");
    stage.enter("line", "behind").await;
    let open = full.open("/waiting-room/line?said=full").await;
    assert_eq!(
        open.state(),
        "join",
        "the line says itself whether it is full"
    );
    stage.change("line", json!({"maxQueueSize": 1})).await;
    until(&full, "/waiting-room/line", "full").await;
    shown(&full, "/waiting-room/line").await;
    stage.close("line").await;
    until(&full, "/waiting-room/line", "over").await;
    shown(&full, "/waiting-room/line").await;
}

/// Waits until a page shows a state: what is shown may be a little older than what decides.
async fn until(browser: &Browser, page: &str, state: &str) {
    let soon = std::time::Duration::from_secs(60);
    sunbeon_test_support::eventually(soon, state, async || {
        browser.open(page).await.state() == state
    })
    .await;
}

async fn stage_now(app: &App) -> UnixMs {
    app.stage.create("now", json!({})).await;
    app.stage.snapshot("now").await.at
}

async fn who_waits_sees_what_is_left_and_that_nothing_is(app: App) {
    app.stage.create_by_hand("c").await;
    app.stage.enter("c", "fan").await;
    let (fan, id) = (
        browser_of(&app, "fan"),
        ConcertId::parse("c").expect("an id"),
    );
    let report = async |left: u32| {
        let name = "R석 <b>".to_owned();
        let price = Some(150_000);
        let tiers = vec![Tier { name, price, left }];
        let report = StockReport { tiers, held: 0 };
        let told = app.stage.store.put_stock(&id, &report).await;
        told.expect("the store is up");
    };
    report(1_204).await;
    let soon = std::time::Duration::from_secs(60);
    sunbeon_test_support::eventually(soon, "what is left", async || {
        let page = fan.open("/waiting-room/c").await.html;
        let price = page.contains("<b>R석 &lt;b&gt;</b><span>150,000원</span>");
        price && page.contains("<span>1,204매 남음</span>")
    })
    .await;
    report(0).await;
    until(&fan, "/waiting-room/c", "sold-out").await;
    let page = shown(&fan, "/waiting-room/c").await;
    assert!(page.html.contains("<span class=\"gone\">매진</span>"));
    let late = shown(&browser_of(&app, "late"), "/waiting-room/c").await;
    assert_eq!(late.state(), "join");
    assert!(late.html.contains("지금은 남은 자리가 없어요"));
}

async fn the_way_back_is_kept_and_never_leads_to_a_foreign_host(app: App) {
    let app = app
        .with(&[("SUNBEON__GATE__OWN_HOSTS", "shop.example")])
        .await;
    with_guests(&app, "c").await;
    let browser = browser(&app);
    let own = "https%3A%2F%2Fshop.example%2Fseats%3Fa%3Db";
    let page = browser.open(&format!("/waiting-room/c?target={own}")).await;
    assert!(
        page.html
            .contains("value=\"https://shop.example/seats?a=b\"")
    );
    assert!(page.html.contains(&format!("?lang=en&amp;target={own}")));
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("form-action 'self' shop.example;"),
        "{policy}"
    );
    for foreign in [
        "https%3A%2F%2Fevil.example%2F",
        "%2F%2Fevil.example",
        "javascript%3A1",
    ] {
        let page = browser
            .open(&format!("/waiting-room/c?target={foreign}"))
            .await;
        assert!(!page.html.contains("evil"), "{}", page.html);
        assert!(page.html.contains("name=\"target\" value=\"\""));
        let body = format!("target={foreign}");
        assert_eq!(
            browser.submit(ENTER, &body).await.sent_to(),
            "/waiting-room/c"
        );
    }
}

async fn another_sites_page_can_neither_join_nor_leave(app: App) {
    with_guests(&app, "c").await;
    let fan = browser_of(&app, "fan");
    for site in ["cross-site", "same-site", "none"] {
        let refused = fan.submit_from(site, ENTER, "").await;
        assert_eq!(refused.status, 403, "{site}");
        assert!(refused.header("content-type").starts_with("text/html"));
    }
    assert_eq!(app.api.line("c").await["totals"]["joined"], 0);
    fan.submit(ENTER, "").await.sent_to();
    assert_eq!(fan.submit_from("cross-site", EXIT, "").await.status, 403);
    assert_eq!(app.api.line("c").await["totals"]["left"], 0);
}

async fn where_only_members_line_up_a_guest_is_asked_to_log_in(app: App) {
    let app = app
        .with(&[("SUNBEON__GATE__LOGIN_PAGE", "/login?next={target}")])
        .await;
    app.stage.create_by_hand("c").await;
    let nobody = browser(&app);
    let page = nobody.open("/waiting-room/c?target=%2Fa").await;
    assert_eq!(page.state(), "sign-in");
    let login = "href=\"/login?next=%2Fwaiting-room%2Fc%3Ftarget%3D%252Fa\"";
    assert!(page.html.contains(login), "{}", page.html);
    nobody.submit(ENTER, "").await.sent_to();
    let guest = browser(&app);
    guest.keep("sunbeon-guest", &member("guest:AAAAAAAAAAAAAAAAAAAAAA"));
    assert_eq!(guest.open("/waiting-room/c").await.state(), "sign-in");
    let sent = guest.submit(ENTER, "").await;
    assert_eq!(sent.sent_to(), "/waiting-room/c?said=members");
    assert_eq!(app.api.line("c").await["totals"]["joined"], 0);
    let fan = browser_of(&app, "fan");
    fan.submit(ENTER, "").await.sent_to();
    assert_eq!(fan.open("/waiting-room/c").await.state(), "waiting");
}

async fn a_concert_that_does_not_exist_is_a_page_too(app: App) {
    for unknown in ["/waiting-room/nowhere", "/waiting-room/a%20b"] {
        let page = browser(&app).open(unknown).await;
        assert!([400, 404].contains(&page.status), "{}", page.status);
        assert!(
            page.html.contains("이 공연을 찾을 수 없어요"),
            "{}",
            page.html
        );
    }
    let script = browser(&app).open("/waiting-room/sunbeon.js").await;
    assert_eq!(
        script.header("content-type"),
        "text/javascript; charset=utf-8"
    );
    assert!(script.html.contains("export class Sunbeon"));
}

async fn a_guest_whose_login_has_run_out_keeps_the_number(app: App) {
    with_guests(&app, "c").await;
    let browser = browser(&app);
    browser.submit(ENTER, "").await.sent_to();
    let guest = browser.cookie("sunbeon-guest").expect("a guest's cookie");
    browser.keep("sunbeon-access", "a login that has run out");
    browser.submit(ENTER, "").await.sent_to();
    assert_eq!(browser.cookie("sunbeon-guest"), Some(guest));
    assert_eq!(app.api.line("c").await["totals"]["joined"], 1);
    assert_eq!(browser.open("/waiting-room/c").await.state(), "waiting");
}
