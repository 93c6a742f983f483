//! The plan as text.

use std::fmt::Write;

use super::{Needs, Plan, figures::MEASURED};

impl Plan {
    pub(super) fn show(&self, needs: &Needs) -> String {
        let (line, redis) = (&needs.line, &needs.redis);
        let mut text = format!(
            "{} people within {}, {:.1} let in a second\n\n",
            grouped(self.crowd as f64),
            time(self.arrive_within.0),
            self.pace.0
        );
        for (name, value) in [
            (
                "enters",
                format!("{} a second", grouped(line.enters_per_second)),
            ),
            ("the line at its longest", grouped(line.longest as f64)),
            ("the last one waits", time(line.last_waits_seconds)),
            (
                "inside at a time",
                format!("{} (maxActive)", grouped(line.inside as f64)),
            ),
            (
                "Redis",
                format!(
                    "{} calls a second, {:.0} % of a core, {} MB for the line",
                    grouped(redis.calls_per_second),
                    redis.busy_percent,
                    grouped(redis.memory_bytes / 1e6)
                ),
            ),
            (
                "RabbitMQ",
                format!(
                    "{:.1} ENTER messages a second",
                    needs.rabbitmq.enter_messages_per_second
                ),
            ),
            (
                "clients' connections",
                format!(
                    "{}, {} of them sockets",
                    grouped(needs.client_connections as f64),
                    grouped(needs.sockets as f64)
                ),
            ),
        ] {
            let _ = writeln!(text, "{name:<26}{value}");
        }
        let _ = writeln!(
            text,
            "\n{:<26}{:>12}{:>8}{:>12}{:>10}",
            "", "a second", "cores", "memory MB", "replicas"
        );
        for service in &needs.services {
            let memory = service.memory_bytes;
            let memory = memory.map_or("-".to_owned(), |bytes| grouped(bytes / 1e6));
            let _ = writeln!(
                text,
                "{:<26}{:>12}{:>8.2}{:>12}{:>10}",
                service.name,
                grouped(service.requests_per_second),
                service.cores,
                memory,
                service.replicas
            );
        }
        let _ = write!(
            text,
            "\nAdd two replicas each of reservation-open and entry-consumer, and your shop: what they cost was not measured.\n\
             Cores are at most {} % busy, and a replica has {}. Measured by scripts/bench and scripts/bench-sockets,\n\
             {MEASURED} (docs/performance.md).",
            self.busy, self.cores
        );
        if !needs.fits {
            let _ = write!(
                text,
                "\n\nONE REDIS IS TOO SMALL: let them arrive over a longer time, let in fewer a second, or divide \
                 the sale into concerts\non several."
            );
        }
        text
    }
}

/// A whole number in groups of three.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn time(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_read_at_a_glance() {
        assert_eq!(
            [0.0, 999.0, 1_000.4, 1_234_567.0].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
        let times = [0.0, 59.0, 300.0, 301.0, 19_700.0].map(time);
        assert_eq!(times, ["0 s", "59 s", "5 min", "5 min 1 s", "5 h 28 min"]);
    }
}
