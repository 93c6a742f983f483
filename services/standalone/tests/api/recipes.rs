//! Following the documents' instructions leads where they say.

use std::{process::Command, time::Duration};

use serde_json::Value;
use sunbeon_test_support::{Process, eventually};

use crate::app::App;

const README: &str = include_str!("../../../../README.md");
const WALKTHROUGH: &str = include_str!("../../../../docs/walkthrough.md");
const MANUAL: &str = include_str!("../../../../docs/api.md");
const BANNER: &str = include_str!("../../src/walk.txt");

/// A block of commands.
struct Step<'a> {
    /// The words that introduce it.
    words: &'a str,
    commands: &'a str,
    /// The output printed below it; empty if the document shows none.
    answers: &'a str,
}

/// Returns a document's blocks that are meant to be pasted into a shell.
fn steps(document: &'static str) -> Vec<Step<'static>> {
    let parts: Vec<_> = document.split("```").collect();
    let blocks = (0..parts.len()).filter_map(|at| Some((at, parts[at].strip_prefix("sh\n")?)));
    let step = |(at, commands): (usize, &'static str)| Step {
        words: parts[at - 1],
        commands,
        answers: parts
            .get(at + 2)
            .and_then(|next| next.strip_prefix("json\n"))
            .unwrap_or(""),
    };
    blocks.map(step).collect()
}

/// Returns the README's short walk.
fn first_walk() -> &'static str {
    let mut sections = README.split("\n## ");
    let walk = sections.find(|section| section.starts_with("A first walk"));
    walk.expect("a first walk")
}

/// Returns every `"message"` in a text, in order.
fn messages(text: &str) -> Vec<&str> {
    let after = text.split("\"message\":\"").skip(1);
    after
        .map(|rest| rest.split('"').next().unwrap_or_default())
        .collect()
}

/// Returns one script of all blocks in order. A block to be repeated "until `status` is `READY`"
/// runs as often as that takes.
fn script(steps: &[Step<'_>], url: &str) -> String {
    let mut script = "set -euo pipefail\n".to_owned();
    for step in steps {
        let commands = step.commands.replace("http://127.0.0.1:8080", url);
        script += &match step.words.split_once("until `status` is `") {
            None => commands,
            Some((_, rest)) => {
                let status = rest.split('`').next().unwrap_or_default();
                format!(
                    "look() {{\n{commands}}}\n\
                     until SEEN=$(look); [[ $SEEN == *'\"status\":\"{status}\"'* ]]; do\n\
                     ((SECONDS < 60)) || {{ echo \"still $SEEN\"; exit 1; }}\nsleep 1\ndone\n\
                     echo \"$SEEN\"\n"
                )
            }
        };
        script += "printf '\\n=====\\n'\n";
    }
    script
}

#[tokio::test]
async fn the_walkthrough_leads_to_a_booked_seat_when_it_is_pasted() {
    let app = App::demo(0).await;
    eventually(Duration::from_secs(60), "the demo is on sale", async || {
        app.process.log().contains("Ctrl-C stops.")
    })
    .await;
    let steps = steps(WALKTHROUGH);
    let mut bash = Command::new("bash");
    bash.arg("-c").arg(script(&steps, app.url()));
    // A missing locale would put a warning among the answers.
    bash.env("LC_ALL", "C");
    let bash = Process::run("bash", bash);
    let ended = bash.wait(Duration::from_secs(100)).await;
    let said = bash.log();
    assert!(ended.success(), "{ended}: {said}");
    let said: Vec<_> = said.split("\n=====\n").collect();
    assert_eq!(said.len(), steps.len() + 1, "{said:?}");

    let mut booked = Vec::new();
    for (step, said) in steps.iter().zip(said) {
        let answers = serde_json::Deserializer::from_str(said).into_iter::<Value>();
        let answers = answers.collect::<Result<Vec<_>, _>>();
        let answers = answers.unwrap_or_else(|error| panic!("{error}: {}{said}", step.commands));
        if step.answers.is_empty() {
            let fine = |answer: &Value| answer["status"].as_u64().is_none_or(|status| status < 300);
            assert!(answers.iter().all(fine), "{}{said}", step.commands);
        } else {
            let promised = messages(step.answers);
            assert_eq!(messages(said), promised, "{}{said}", step.commands);
        }
        let confirmed = |answer: &&Value| answer["data"]["state"] == "CONFIRMED";
        booked.extend(answers.iter().filter(confirmed).cloned());
    }
    assert_eq!(booked.len(), 1, "{booked:?}");
    let seats = booked[0]["data"]["seats"].as_array();
    assert_eq!(seats.map(Vec::len), Some(1), "{booked:?}");
    // The walk then cancels it and resets the other sale.
    let id = booked[0]["data"]["bookingId"].as_str().expect("an id");
    let booking = app
        .get(&format!("/v2/bookings/{id}"), &app.access("me").await)
        .await;
    assert_eq!(booking.data(200)["state"], "CANCELLED");
    assert_eq!(app.line("train").await["totals"]["joined"], 1);
}

#[tokio::test]
async fn the_examples_of_the_manual_work_when_they_are_pasted_in_order() {
    let app = App::demo(0).await;
    eventually(Duration::from_secs(60), "the demo is on sale", async || {
        app.process.log().contains("Ctrl-C stops.")
    })
    .await;
    let (steps, folder) = (steps(MANUAL), tempfile::tempdir().expect("a folder"));
    let mut bash = Command::new("bash");
    bash.arg("-c").arg(script(&steps, app.url()));
    bash.current_dir(folder.path());
    let bash = Process::run("bash", bash);
    let ended = bash.wait(Duration::from_secs(100)).await;
    let said = bash.log();
    assert!(ended.success(), "{ended}: {said}");
    let said: Vec<_> = said.split("\n=====\n").collect();
    assert_eq!(said.len(), steps.len() + 1, "{said:?}");
    for (step, said) in steps.iter().zip(said) {
        assert!(!said.contains("\"code\":"), "{}{said}", step.commands);
    }
}

/// Returns each command of a text, without its surroundings.
fn commands(text: &str) -> Vec<&str> {
    let starts = ["api ", "shop", "T=", "SEAT=", "B="];
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| starts.iter().any(|start| line.starts_with(start)))
        .collect()
}

#[test]
fn readme_and_banner_have_the_walkthroughs_commands_in_its_order() {
    let whole = commands(WALKTHROUGH);
    for (name, walk) in [("README", first_walk()), ("banner", BANNER)] {
        let mut rest = whole.iter();
        let short = commands(walk);
        assert!(short.len() > 6, "{name}: {short:?}");
        for command in short {
            assert!(rest.any(|it| *it == command), "{name}: {command}");
        }
    }
}

/// A task of the locustfile: its name, its weight and its requests.
fn locust_tasks(file: &str) -> Vec<(&str, &str, &str)> {
    let tasks = file.split("    @task(").skip(1).map(|task| {
        let (weight, task) = task
            .split_once(")\n    def ")
            .expect("a weight and a function");
        let (name, task) = task.split_once('(').expect("a name");
        let body = task.split("\n    def ").next().unwrap_or_default();
        (name, weight, body)
    });
    tasks.collect()
}

#[test]
fn locust_does_what_its_table_says_and_has_the_weights_of_the_seed() {
    let file = include_str!("../../../../scripts/locustfile.py");
    let manual = include_str!("../../../../docs/load.md");
    let file = file.replace("{CONCERT}", "train");
    let tasks = locust_tasks(&file);
    let weights = tasks.iter().map(|(name, weight, _)| (*name, *weight));
    // Without `visit` nobody would leave; `reset` runs only on request.
    let seeds: Vec<_> = weights.filter(|(name, _)| *name != "visit").collect();
    let reset = "1 if RESET else 0";
    assert_eq!(
        seeds,
        [
            ("reserve", "4"),
            ("status", "3"),
            ("health", "2"),
            ("process", "1"),
            ("reset", reset)
        ]
    );
    for line in [
        "CONCERT = \"train\"",
        "RESET = SETTINGS.get(\"SUNBEON_LOCUST_RESET\") == \"1\"",
        "EXPECTED = {200, 201, 204, 409, 429}",
    ] {
        assert!(file.lines().any(|written| written == line), "{line}");
    }

    let table = manual
        .split("| task | weight | requests |\n|---|---|---|\n")
        .nth(1);
    let rows: Vec<_> = table
        .expect("a table of tasks")
        .lines()
        .map_while(|line| line.strip_prefix("| "))
        .collect();
    assert_eq!(rows.len(), tasks.len(), "{rows:?}");
    for (row, (name, weight, body)) in rows.iter().zip(tasks) {
        let weight = weight.replace(" if RESET else 0", ", only with `SUNBEON_LOCUST_RESET=1`");
        let requests = row.strip_prefix(&format!("{name} | {weight} | "));
        let requests = requests.unwrap_or_else(|| panic!("{name}, {weight}: {row}"));
        for request in requests.split('`').skip(1).step_by(2) {
            let (method, path) = request.split_once(' ').expect("a method and a path");
            for part in [method, path] {
                assert!(
                    body.contains(&format!("\"{part}\"")),
                    "{name}: {request}: {body}"
                );
            }
        }
    }
}
