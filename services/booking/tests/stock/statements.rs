//! Both databases understand every statement.

use crate::{on_each, world::World};

on_each!(every_statement_can_be_prepared);

async fn every_statement_can_be_prepared(world: World) {
    for statement in sunbeon_booking::stock::statements() {
        let prepared = world.database.prepare(statement).await;
        prepared.unwrap_or_else(|error| panic!("{statement:?}: {error:?}"));
    }
}
