//! A PHP shop behind the proxies of `docs/gate`, each run with the file printed there.

mod admission;
mod names;
mod paths;
mod return_address;
mod world;

use sunbeon_system_tests::Kind;

macro_rules! suite {
    ($($kind:ident in $module:ident: $($file:ident::$name:ident,)*;)*) => {
        $(mod $module {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                crate::$file::$name(crate::Kind::$kind).await;
            })*
        })*
    };
}

/// Traefik's file redirects no browsers and answers 500 while Sunbeon is unreachable.
macro_rules! all {
    ($($kind:ident in $module:ident,)*) => {
        suite! { $($kind in $module:
            admission::only_admitted_members_reach_the_origin_under_their_own_name,
            admission::an_ended_session_stops_passing_within_five_seconds,
            admission::a_cookie_of_an_ended_session_is_removed,
            admission::a_concert_without_a_line_needs_no_booking_token,
            admission::while_sunbeon_is_unreachable_nobody_passes_and_the_answer_says_so,
            names::no_spelling_of_the_members_name_reaches_the_origin,
            paths::no_other_spelling_of_a_path_leads_past_the_gate,
            paths::plain_paths_and_any_query_pass_unchanged,
            paths::trace_and_connect_requests_are_not_forwarded,
            return_address::a_browser_returns_to_exactly_the_address_it_asked_for,
        ;)* }
    };
}

all! {
    Nginx in nginx,
    Caddy in caddy,
    Haproxy in haproxy,
    Envoy in envoy,
}

suite! {
    Traefik in traefik:
        admission::only_admitted_members_reach_the_origin_under_their_own_name,
        admission::an_ended_session_stops_passing_within_five_seconds,
        admission::a_cookie_of_an_ended_session_is_removed,
        names::no_spelling_of_the_members_name_reaches_the_origin,
        paths::no_other_spelling_of_a_path_leads_past_the_gate,
        paths::plain_paths_and_any_query_pass_unchanged,
        paths::trace_and_connect_requests_are_not_forwarded,
    ;
}
