//! Sessions of members whose page of the shop is gone, on both stores.

use serde_json::{Value, json};
use sunbeon_store::Role;

use crate::world::{World, id, member};

behaviours!(
    whoever_closed_the_page_makes_room_for_the_next,
    while_nobody_waits_no_session_ends,
    a_page_that_was_never_there_is_not_missed,
    whoever_holds_something_may_close_the_page,
    while_nobody_tells_of_pages_none_is_gone,
    a_new_session_is_not_judged_by_the_page_of_the_one_before,
    where_the_policy_says_nothing_pages_do_not_matter,
);

fn fields() -> Value {
    json!({"mode": "threshold", "maxActive": 2, "sessionMinutes": 10, "holdDurationMinutes": 10,
        "idleShopSeconds": 20})
}

/// Time passes while these members have the page open; how many sessions ended.
async fn pass_with_pages(world: &World, seconds: u32, here: &[&str]) -> u64 {
    let members: Vec<_> = here.iter().map(|name| member(name)).collect();
    let mut ended = 0;
    for _ in 0..seconds {
        world.pass(1.0).await;
        ended += world.store.note_pages(&id(), &members).await.unwrap();
    }
    ended
}

/// Both slots are taken, and others wait.
async fn sale(world: &World, waiting: &[&str]) {
    world.put(1, fields()).await;
    for name in ["gone", "stays"] {
        world.join(name).await;
        world.claimed(name).await;
    }
    for name in waiting {
        world.join(name).await;
    }
}

async fn whoever_closed_the_page_makes_room_for_the_next(world: World) {
    sale(&world, &["next"]).await;
    let entry = world.store.status(&id(), &member("gone"), false).await;
    let entry = crate::world::number(entry.unwrap().state).unwrap();
    assert_eq!(pass_with_pages(&world, 3, &["gone", "stays"]).await, 0);
    assert_eq!(pass_with_pages(&world, 19, &["stays"]).await, 0);
    assert_eq!(world.state("gone").await, "entered");
    assert_eq!(pass_with_pages(&world, 1, &["stays"]).await, 1);
    assert_eq!(world.state("gone").await, "none");
    assert_eq!(world.state("stays").await, "entered");
    assert_eq!(world.revoked().await, [entry]);
    assert_eq!(world.snapshot().await.totals.expired, 1);
    // Once every gate knows, the next one is called.
    world.pass(8.0).await;
    let taken = world.schedule().await;
    assert_eq!(crate::world::names(&taken), ["next"]);
}

async fn while_nobody_waits_no_session_ends(world: World) {
    sale(&world, &[]).await;
    pass_with_pages(&world, 3, &["gone"]).await;
    assert_eq!(pass_with_pages(&world, 60, &[]).await, 0);
    assert_eq!(world.state("gone").await, "entered");
    world.join("next").await;
    assert_eq!(pass_with_pages(&world, 1, &[]).await, 1);
}

async fn a_page_that_was_never_there_is_not_missed(world: World) {
    sale(&world, &["next"]).await;
    assert_eq!(pass_with_pages(&world, 60, &["stays"]).await, 0);
    assert_eq!(world.state("gone").await, "entered");
}

async fn whoever_holds_something_may_close_the_page(world: World) {
    sale(&world, &["next"]).await;
    pass_with_pages(&world, 3, &["gone"]).await;
    let place = world.place("gone").await;
    let number = crate::world::number(place).unwrap();
    assert!(world.extend("gone", number).await.is_some());
    pass_with_pages(&world, 2, &["gone"]).await;
    assert_eq!(pass_with_pages(&world, 60, &[]).await, 0);
    assert_eq!(world.state("gone").await, "entered");
}

async fn while_nobody_tells_of_pages_none_is_gone(world: World) {
    sale(&world, &["next"]).await;
    pass_with_pages(&world, 3, &["gone"]).await;
    world
        .pass_with(60.0, &[Role::WaitingRoom, Role::Token], true)
        .await;
    assert_eq!(pass_with_pages(&world, 19, &[]).await, 0);
    assert_eq!(pass_with_pages(&world, 3, &[]).await, 1);
}

async fn a_new_session_is_not_judged_by_the_page_of_the_one_before(world: World) {
    sale(&world, &["next"]).await;
    pass_with_pages(&world, 3, &["gone"]).await;
    world.exits("gone").await;
    world.pass(8.0).await;
    world.let_in(1).await;
    world.exits("next").await;
    world.pass(8.0).await;
    world.join("gone").await;
    world.claimed("gone").await;
    world.join("waits").await;
    assert_eq!(pass_with_pages(&world, 60, &["stays"]).await, 0);
    assert_eq!(world.state("gone").await, "entered");
}

async fn where_the_policy_says_nothing_pages_do_not_matter(world: World) {
    sale(&world, &["next"]).await;
    pass_with_pages(&world, 3, &["gone"]).await;
    let mut without = fields();
    without.as_object_mut().unwrap().remove("idleShopSeconds");
    world.put(2, without).await;
    assert_eq!(pass_with_pages(&world, 60, &[]).await, 0);
    assert_eq!(world.state("gone").await, "entered");
    world.put(3, fields()).await;
    assert_eq!(pass_with_pages(&world, 60, &[]).await, 0);
}
