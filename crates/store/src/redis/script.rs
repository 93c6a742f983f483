//! The verbs' scripts: which parts each needs, and when it is answered.

use std::sync::LazyLock;

use redis::{Cmd, Script, ToRedisArgs};

/// When a verb is answered where `wait_replicas` is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    /// Once enough replicas have what it wrote.
    Replicated,
    /// At once: a failover may lose what it wrote, and that harms nobody.
    AtOnce,
}

/// A verb's script.
pub(super) struct Verb {
    pub(super) name: &'static str,
    pub(super) answered: Answered,
    text: &'static str,
    hash: LazyLock<String>,
}

impl Verb {
    /// Returns the call of a script that Redis knows.
    pub(super) fn call<Arg: ToRedisArgs>(&self, keys: &[String], args: &[Arg]) -> Cmd {
        command("EVALSHA", &self.hash, keys, args)
    }

    /// Returns the call that sends the script with it.
    pub(super) fn first_call<Arg: ToRedisArgs>(&self, keys: &[String], args: &[Arg]) -> Cmd {
        command("EVAL", self.text, keys, args)
    }
}

fn command<Arg: ToRedisArgs>(name: &str, script: &str, keys: &[String], args: &[Arg]) -> Cmd {
    let mut command = redis::cmd(name);
    command.arg(script).arg(keys.len()).arg(keys).arg(args);
    command
}

macro_rules! verbs {
    ($($constant:ident $name:literal $flags:literal $answered:ident [$($part:literal)*];)*) => {
        $(
            pub(super) static $constant: Verb = {
                const TEXT: &str = concat!(
                    "#!lua flags=", $flags, "\n",
                    $(include_str!(concat!("scripts/parts/", $part, ".lua")),)*
                    include_str!(concat!("scripts/", $name, ".lua"))
                );
                Verb {
                    name: $name,
                    answered: Answered::$answered,
                    text: TEXT,
                    hash: LazyLock::new(|| Script::new(TEXT).get_hash().to_owned()),
                }
            };
        )*

        #[cfg(test)]
        const ALL: &[&Verb] = &[$(&$constant),*];
    };
}

// A full Redis refuses a new entry before its script begins (Redis 7 and later); every other verb runs, so
// that nobody lapses and what is over can be cleared.
//
// Those answered at once: a lost sign of life is given again with the next poll, a lost beat with
// the next beat, a lost report of what is left with the next report; a message whose next time is lost is sent again early; what a lost sweep collected
// has run out all the same.
verbs! {
    PUT_CONCERT "put_concert" "allow-oom" Replicated ["prelude" "policy" "versions" "time" "line"];
    DROP_CONCERT "drop_concert" "allow-oom" Replicated
        ["prelude" "policy" "versions" "time" "line" "slots"];
    ENTER "enter" "" Replicated
        ["prelude" "policy" "time" "line" "beats" "entries" "pops" "feed" "sessions" "settle" "slots"
            "stock" "standing"];
    STATUS "status" "allow-oom" AtOnce
        ["prelude" "policy" "time" "line" "entries" "pops" "feed" "sessions" "settle" "standing"];
    LEAVE "leave" "allow-oom" Replicated
        ["prelude" "policy" "time" "line" "beats" "entries" "pops" "feed" "sessions" "settle"];
    CLAIM "claim" "allow-oom" Replicated
        ["prelude" "policy" "time" "line" "beats" "entries" "pops" "feed" "sessions" "settle"];
    COMPLETE "complete" "allow-oom" Replicated
        ["prelude" "policy" "time" "line" "beats" "entries" "pops" "feed" "sessions" "settle"];
    EXTEND "extend" "allow-oom" Replicated
        ["prelude" "policy" "time" "line" "beats" "entries" "pops" "feed" "sessions" "settle"];
    REVOKED "revoked" "allow-oom" AtOnce ["prelude" "feed"];
    ADMIT "admit" "allow-oom" Replicated
        ["prelude" "policy" "time" "line" "beats" "entries" "slots" "stock" "held" "pace" "take"];
    READY "ready" "allow-oom" Replicated ["prelude" "policy" "time" "line" "pops" "feed" "sessions"];
    RESEND "resend" "allow-oom" AtOnce ["prelude" "policy" "time" "line" "entries" "pops"];
    BEAT "beat" "allow-oom" AtOnce ["prelude" "policy" "time" "line" "beats"];
    SNAPSHOT "snapshot" "allow-oom" AtOnce
        ["prelude" "policy" "time" "line" "beats" "slots" "slot_ends" "stock" "held" "pace" "standing"];
    PUT_STOCK "put_stock" "allow-oom" AtOnce ["prelude" "policy"];
    REFUSE_GUEST "refuse_guest" "allow-oom" AtOnce ["prelude" "policy"];
    MEMBERS "members" "allow-oom" AtOnce ["prelude" "policy" "time" "line" "entries"];
    CLEAR "clear" "allow-oom" Replicated ["prelude" "policy" "time" "line"];
    COLLECT "collect" "allow-oom" AtOnce
        ["prelude" "policy" "time" "line" "beats" "entries" "feed" "sessions"];
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        process::{Command, Stdio},
    };

    use super::*;

    /// Needs `luacheck` on the `PATH` (Debian: `lua-check`).
    #[test]
    fn every_script_is_clean_to_the_linter() {
        for verb in ALL {
            let config = concat!(env!("CARGO_MANIFEST_DIR"), "/.luacheckrc");
            let mut linter = Command::new("luacheck")
                .args(["--config", config, "--no-color", "--codes", "-"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("luacheck is needed; Debian has it as lua-check");
            let mut script = linter.stdin.take().expect("its input is piped");
            script.write_all(verb.text.as_bytes()).unwrap();
            drop(script);
            let said = linter.wait_with_output().unwrap();
            let text = String::from_utf8_lossy(&said.stdout);
            assert!(
                said.status.success(),
                "{}.lua with its parts:\n{text}",
                verb.name
            );
        }
    }
}
