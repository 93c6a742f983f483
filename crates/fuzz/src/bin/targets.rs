//! Ways back: none that is accepted leads a browser to another site, and the waiting page gets it back unchanged.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sunbeon_domain::ConcertId;
use sunbeon_fuzz::{Settings, followed, is_own};
use sunbeon_gate::{SunbeonUrl, Target, Ways};

static WAYS: LazyLock<Ways> =
    LazyLock::new(|| Ways::new(&Settings::load().gate).expect("good settings"));

fuzz_target!(|text: &str| {
    let _ = SunbeonUrl::parse(text);
    let Some(target) = WAYS.asked(text) else {
        return;
    };
    assert_eq!(target.as_str(), text);
    let again = Target::parse(text, WAYS.own_hosts());
    assert_eq!(again.as_ref(), Some(&target));
    let url = followed(text);
    assert!(is_own(&url), "{url}");

    let concert = ConcertId::parse("demo").expect("an id");
    let line = followed(&WAYS.to_the_line(&concert, Some(&target)));
    assert_eq!(line.path(), "/waiting-room/demo");
    let back: Vec<_> = line.query_pairs().collect();
    assert_eq!(back, [("target".into(), text.into())]);
    let login = WAYS.login(&concert, Some(&target));
    let login = followed(&login.expect("there is a login"));
    assert!(
        is_own(&login) && login.query_pairs().count() == 1,
        "{login}"
    );
});
