//! Leaving, again and again.

use crate::app::App;

sunbeon_test_support::on_both!(a_member_who_leaves_again_and_again_is_slowed,);

async fn a_member_who_leaves_again_and_again_is_slowed(app: App) {
    let app = app
        .with(&[
            ("SUNBEON__LIMITS__LOOPBACK", "true"),
            ("SUNBEON__LIMITS__MEMBER_PER_SECOND", "0"),
            ("SUNBEON__LIMITS__ENDINGS_PER_HOUR", "3"),
        ])
        .await;
    app.stage.create_by_hand("c").await;
    for _ in 0..3 {
        app.api.enter("c", "a").await.data(201);
        app.api.exit("c", "a").await.data(200);
    }
    app.api.enter("c", "a").await.data(201);
    let refused = app.api.exit("c", "a").await;
    let wait: u32 = refused.header("retry-after").parse().expect("seconds");
    assert!((60..=1_200).contains(&wait), "{wait}");
    refused.fails("TOO_MANY_REQUESTS");
    app.api.status("c", "a").await.data(200);
    app.api.enter("c", "b").await.data(201);
    app.api.exit("c", "b").await.data(200);
}
