//! What was measured: every figure that a plan is made of. They stand in docs/performance.md, which says how
//! to measure them again; a test compares.

/// When and where, as the document says it.
pub(super) const MEASURED: &str = "30 November 2026, 2 × AMD EPYC";

/// The CPU time of one request, with appendfsync always (`scripts/bench`).
pub(super) struct Request {
    #[cfg_attr(not(test), expect(dead_code, reason = "the test looks for it"))]
    pub(super) row: &'static str,
    /// Of Redis' main thread, in µs.
    pub(super) redis: f64,
    /// Of the service, in µs.
    pub(super) server: f64,
}

const fn request(row: &'static str, redis: f64, server: f64) -> Request {
    Request { row, redis, server }
}

pub(super) const ENTER: Request = request("`enter`", 20.7, 23.2);
pub(super) const STATUS: Request = request("`status`", 14.2, 25.2);
pub(super) const POLL: Request = request("`status` with a pass", 0.1, 17.2);
pub(super) const TOKEN: Request = request("`token`, the same again", 57.2, 52.4);

/// Redis' time to take 1,000 off the line, in ms (`scripts/bench`).
pub(super) const TAKE_1000: f64 = 5.3;
/// Redis' time to call 1,000, in ms (`scripts/bench`).
pub(super) const CALL_1000: f64 = 6.0;
/// Redis' memory for a member in line, in bytes (`scripts/bench`).
pub(super) const MEMBER: f64 = 330.0;
/// realtime's memory for a socket, in kB (`scripts/bench-sockets`).
pub(super) const SOCKET: f64 = 24.3;
/// How many sockets one realtime was measured with (`scripts/bench-sockets`).
pub(super) const SOCKETS: f64 = 10_000.0;
/// realtime's CPU time to tell one socket something, in µs (`scripts/bench-sockets`).
pub(super) const TELL: f64 = 18.8;

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../../../docs/performance.md");

    /// The cells of the first row of that name behind a heading.
    fn row(heading: &str, name: &str) -> Vec<&'static str> {
        let (_, section) = DOCUMENT.split_once(heading).expect(heading);
        let start = format!("| {name} |");
        let line = section.lines().find(|line| line.starts_with(&start));
        let cells = line.unwrap_or_else(|| panic!("{name}")).split('|');
        cells.map(str::trim).collect()
    }

    #[test]
    fn every_figure_is_the_one_that_was_measured() {
        assert!(DOCUMENT.contains(MEASURED));
        assert!(DOCUMENT.contains(&format!("| {:.0},000 on one instance |", SOCKETS / 1e3)));
        for request in [ENTER, STATUS, POLL, TOKEN] {
            let cells = row("With appendfsync always:", request.row);
            let costs = [request.redis, request.server].map(|cost| format!("{cost:.1}"));
            assert_eq!(
                cells[cells.len() - 3..cells.len() - 1],
                costs,
                "{}",
                request.row
            );
        }
        let member = "memory of a member with a name of 9 letters and a UUID for an id in line";
        for (name, figure) in [
            (member, format!("{MEMBER} B")),
            (
                "`admit` of 1,000, Redis' time",
                format!("{TAKE_1000:.1} ms"),
            ),
            (
                "`ready` of 1,000, Redis' time",
                format!("{CALL_1000:.1} ms"),
            ),
            ("memory of a socket", format!("{SOCKET} kB")),
            (
                "the instances' CPU for each that hears",
                format!("{TELL} µs"),
            ),
        ] {
            let cells = row("What lines cost Redis", name);
            assert!(cells[2].starts_with(&figure), "{name}: {figure}, {cells:?}");
        }
    }
}
