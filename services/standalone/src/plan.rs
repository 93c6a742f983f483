//! `sunbeon plan`: what a crowd needs, computed from what was measured.

mod figures;
mod shown;

use std::{process::ExitCode, str::FromStr};

use clap::{Args, value_parser};
use serde::Serialize;
use sunbeon_domain::{Policy, poll_after_ms};

use self::figures::{
    CALL_1000, ENTER, MEMBER, POLL, Request, SOCKET, SOCKETS, STATUS, TAKE_1000, TELL, TOKEN,
};

/// A service that has one replica stops with it.
const LEAST_REPLICAS: u64 = 2;

/// The crowd, and what may be used for it.
#[derive(Args)]
pub(crate) struct Plan {
    /// How many people come
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=100_000_000))]
    crowd: u64,
    /// How many are let in: 50/s, 3000/m or 100000/h
    #[arg(long, value_name = "N/s")]
    pace: Pace,
    /// The time in which they arrive, evenly spread: 90s, 5m or 1h
    #[arg(long, value_name = "TIME")]
    arrive_within: Time,
    /// How long somebody is inside, on average
    #[arg(long, value_name = "TIME", default_value = "10m")]
    session: Time,
    /// Percent of the crowd who hold a socket; the others poll
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = value_parser!(u8).range(0..=100))]
    sockets: u8,
    /// How busy a core may be, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 50, value_parser = value_parser!(u8).range(1..=100))]
    busy: u8,
    /// Cores of a replica
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u16).range(1..=256))]
    cores: u16,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A pace of admission, in people a second.
#[derive(Clone, Copy)]
struct Pace(f64);

impl FromStr for Pace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(count, unit)| {
            let count: u32 = count.parse().ok().filter(|count| *count > 0)?;
            Some(f64::from(count) / seconds(unit)?)
        });
        parsed
            .map(Self)
            .ok_or_else(|| "write a whole number and s, m or h, such as 50/s".to_owned())
    }
}

/// A time in seconds.
#[derive(Clone, Copy)]
struct Time(f64);

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
        let count: Option<u32> = digits.parse().ok().filter(|count| *count > 0);
        let parsed =
            count.and_then(|count| Some(f64::from(count) * seconds(&text[digits.len()..])?));
        parsed
            .map(Self)
            .ok_or_else(|| "write a whole number and s, m or h, such as 5m".to_owned())
    }
}

fn seconds(unit: &str) -> Option<f64> {
    match unit {
        "s" => Some(1.0),
        "m" => Some(60.0),
        "h" => Some(3_600.0),
        _ => None,
    }
}

/// What the crowd needs while its line is longest.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Needs {
    line: Line,
    redis: Redis,
    rabbitmq: RabbitMq,
    services: Vec<Service>,
    /// Connections that clients keep open: one each.
    client_connections: u64,
    /// Those of them that are sockets.
    sockets: u64,
    /// Whether Redis is as busy as it may be, at most.
    fits: bool,
    measured: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    enters_per_second: f64,
    longest: u64,
    last_waits_seconds: f64,
    /// How many are inside at a time: the least `maxActive` that does not slow the pace.
    inside: u64,
}

/// One for all: a concert is on one Redis.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Redis {
    calls_per_second: f64,
    busy_percent: f64,
    /// Of the members in line.
    memory_bytes: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RabbitMq {
    enter_messages_per_second: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Service {
    name: &'static str,
    requests_per_second: f64,
    cores: f64,
    /// Of the sockets, which is what was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<f64>,
    replicas: u64,
}

impl Plan {
    /// Prints the plan. The exit code is 1 if one Redis is too small for it.
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let needs = self.needs();
        let text = if self.json {
            serde_json::to_string_pretty(&needs)?
        } else {
            self.show(&needs)
        };
        crate::print(&text)?;
        Ok(ExitCode::from(u8::from(!needs.fits)))
    }

    fn needs(&self) -> Needs {
        let policy = Policy::default();
        let (pace, arriving, crowd) = (self.pace.0, self.arrive_within.0, self.crowd as f64);
        let enters = crowd / arriving;
        let longest = (crowd - pace * arriving).max(0.0);
        let with_socket = f64::from(self.sockets) / 100.0;
        // A place is told as often to a socket as to somebody who polls.
        let told = told_per_second(longest as u64, &policy);
        let polls = told * (1.0 - with_socket);
        let signs_of_life = longest / (f64::from(policy.waiting_ttl_seconds) / 3.0);
        let by = |rate: f64, micros: f64| rate * micros / 1e6;
        let of = |rate: f64, request: &Request| by(rate, request.server);
        let admission = TAKE_1000 + CALL_1000;
        let redis_cores = by(enters, ENTER.redis)
            + by(polls, POLL.redis)
            + by(signs_of_life, STATUS.redis)
            + by(pace, TOKEN.redis + admission);
        let sockets = (longest * with_socket) as u64;
        let waiting_room = of(enters, &ENTER) + of(polls, &POLL) + of(signs_of_life, &STATUS);
        let realtime = by(told * with_socket, TELL);
        let mut services = vec![
            self.service("waiting-room", enters + polls, waiting_room, None),
            self.service("token", pace, of(pace, &TOKEN), None),
        ];
        if sockets > 0 {
            let memory = Some(sockets as f64 * SOCKET * 1e3);
            let rate = told * with_socket;
            let mut realtime = self.service("realtime", rate, realtime, memory);
            let carry = (sockets as f64 / SOCKETS).ceil() as u64;
            realtime.replicas = realtime.replicas.max(carry);
            services.push(realtime);
        }
        Needs {
            line: Line {
                enters_per_second: enters,
                longest: longest as u64,
                last_waits_seconds: (crowd / pace - arriving).max(0.0),
                inside: (pace.min(enters) * self.session.0).ceil().min(crowd) as u64,
            },
            redis: Redis {
                // A member is taken, called and given a token.
                calls_per_second: enters + signs_of_life + 3.0 * pace,
                busy_percent: redis_cores * 100.0,
                memory_bytes: longest * MEMBER,
            },
            rabbitmq: RabbitMq {
                enter_messages_per_second: pace.min(enters),
            },
            services,
            client_connections: longest as u64,
            sockets,
            fits: redis_cores * 100.0 <= f64::from(self.busy),
            measured: figures::MEASURED,
        }
    }

    fn service(
        &self,
        name: &'static str,
        rate: f64,
        cores: f64,
        memory_bytes: Option<f64>,
    ) -> Service {
        let usable = f64::from(self.cores) * f64::from(self.busy) / 100.0;
        Service {
            name,
            requests_per_second: rate,
            cores,
            memory_bytes,
            replicas: ((cores / usable).ceil() as u64).max(LEAST_REPLICAS),
        }
    }
}

/// How many places a second are told to a line of this length.
fn told_per_second(length: u64, policy: &Policy) -> f64 {
    let per_second = |place| 1_000.0 / poll_after_ms(place, length, policy) as f64;
    // Far from the front all are told equally often.
    let near = length.min(1_000);
    let far = (length - near) as f64 * per_second(length);
    (1..=near).map(per_second).sum::<f64>() + far
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        plan: Plan,
    }

    fn plan(words: &str) -> Result<Plan, String> {
        let words = ["plan"].into_iter().chain(words.split_whitespace());
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        Ok(line.plan)
    }

    fn needs(words: &str) -> Needs {
        plan(words)
            .unwrap_or_else(|error| panic!("{error}"))
            .needs()
    }

    #[test]
    fn a_million_within_five_minutes() {
        let needs = needs("--crowd 1000000 --pace 50/s --arrive-within 5m");
        assert_eq!(needs.line.longest, 985_000);
        assert_eq!(needs.line.last_waits_seconds, 19_700.0);
        assert_eq!(needs.line.inside, 30_000);
        assert_eq!(needs.redis.memory_bytes, 985_000.0 * MEMBER);
        // 3,333 enters, a sign of life of everybody in 100 s, and 50 who are taken, called and let in.
        assert_eq!(needs.redis.calls_per_second.round(), 13_333.0);
        let busy = (3_333.33 * 20.7 + 9_850.0 * 14.2 + 10_007.0 * 0.1 + 50.0 * 68.5) / 1e4;
        assert!(
            (needs.redis.busy_percent - busy).abs() < 0.2,
            "{}",
            needs.redis.busy_percent
        );
        assert!(needs.fits);
        assert_eq!(needs.services.len(), 2);
    }

    #[test]
    fn whoever_comes_more_slowly_than_the_pace_does_not_wait() {
        let needs = needs("--crowd 600 --pace 50/s --arrive-within 1m --session 60s");
        assert_eq!(
            (needs.line.longest, needs.line.last_waits_seconds),
            (0, 0.0)
        );
        assert_eq!(needs.line.inside, 600);
        assert_eq!(needs.rabbitmq.enter_messages_per_second, 10.0);
        assert!(needs.services.iter().all(|service| service.replicas == 2));
    }

    #[test]
    fn sockets_take_the_place_of_polls() {
        let crowd = "--crowd 100000 --pace 600/m --arrive-within 100s";
        let (all, half) = (needs(crowd), needs(&format!("{crowd} --sockets 50")));
        assert_eq!((all.sockets, half.sockets), (0, 49_500));
        let [polls, halved] = [&all, &half].map(|it| it.services[0].requests_per_second - 1_000.0);
        assert!((polls / 2.0 - halved).abs() < 0.01);
        assert!((half.services[2].requests_per_second - halved).abs() < 0.01);
        assert_eq!(half.services[2].replicas, 5);
        let memory = half.services[2].memory_bytes.map(f64::round);
        assert_eq!(memory, Some((49_500.0 * SOCKET * 1e3).round()));
    }

    #[test]
    fn a_redis_that_is_too_small_says_so() {
        let rush = needs("--crowd 10000000 --pace 1000/s --arrive-within 1m");
        assert!(!rush.fits && rush.redis.busy_percent > 100.0);
        assert!(!needs("--crowd 1000000 --pace 50/s --arrive-within 5m --busy 10").fits);
    }

    #[test]
    fn what_is_no_crowd_pace_or_time_is_refused_with_an_example() {
        let good = "--crowd 10 --pace 1/h --arrive-within 1h";
        assert!(plan(good).is_ok());
        for (bad, says) in [
            ("--crowd 0 --pace 1/s --arrive-within 1m", "0"),
            ("--crowd 10 --pace 50 --arrive-within 1m", "such as 50/s"),
            ("--crowd 10 --pace 0/s --arrive-within 1m", "such as 50/s"),
            ("--crowd 10 --pace 1/d --arrive-within 1m", "such as 50/s"),
            ("--crowd 10 --pace 1.5/s --arrive-within 1m", "such as 50/s"),
            ("--crowd 10 --pace 1/s --arrive-within 5", "such as 5m"),
            ("--crowd 10 --pace 1/s --arrive-within 0m", "such as 5m"),
            ("--crowd 10 --pace 1/s --arrive-within 분", "such as 5m"),
            ("--crowd 10 --pace 1/s", "--arrive-within"),
            (
                "--crowd 10 --pace 1/s --arrive-within 1m --sockets 101",
                "101",
            ),
        ] {
            let error = plan(bad).err().unwrap_or_else(|| panic!("{bad}"));
            assert!(error.contains(says), "{bad}: {error}");
        }
    }
}
