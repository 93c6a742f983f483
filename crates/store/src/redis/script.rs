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
                    include_str!("scripts/parts/prelude.lua"),
                    include_str!("scripts/parts/policy.lua"),
                    include_str!("scripts/parts/time.lua"),
                    "local function verb()\n",
                    $(include_str!(concat!("scripts/parts/", $part, ".lua")),)*
                    include_str!(concat!("scripts/", $name, ".lua")),
                    "end\nreturn verb()\n"
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

// Every verb begins with the prelude, the policy and counted time; what it needs besides is a function behind
// them. Every function that Lua makes searches among the variables of the functions around it that are still
// open, one by one, so they are closed in with as few as can be.
//
// A full Redis refuses a new entry before its script begins (Redis 7 and later); every other verb runs, so
// that nobody lapses and what is over can be cleared.
//
// Those answered at once: a lost sign of life is given again with the next poll, a lost beat with the next
// beat, a lost report of what is left with the next report.
verbs! {
    PUT_CONCERT "put_concert" "allow-oom" Replicated ["versions" "line"];
    DROP_CONCERT "drop_concert" "allow-oom" Replicated ["versions" "line" "slots"];
    ENTER "enter" "" Replicated
        ["line" "beats" "entries" "pops" "feed" "sessions" "settle" "slots" "stock" "standing"];
    STATUS "status" "allow-oom" AtOnce ["line" "entries" "pops" "feed" "sessions" "settle" "standing"];
    LEAVE "leave" "allow-oom" Replicated ["line" "beats" "entries" "pops" "feed" "sessions" "settle"];
    CLAIM "claim" "allow-oom" Replicated ["line" "beats" "entries" "pops" "feed" "sessions" "settle"];
    COMPLETE "complete" "allow-oom" Replicated ["line" "beats" "entries" "pops" "feed" "sessions" "settle"];
    EXTEND "extend" "allow-oom" Replicated ["line" "beats" "entries" "pops" "feed" "sessions" "settle"];
    NOTE_PAGES "note_pages" "allow-oom" AtOnce ["line" "beats"];
    REVOKED "revoked" "allow-oom" AtOnce ["feed"];
    ADMIT "admit" "allow-oom" Replicated ["line" "beats" "entries" "slots" "stock" "pace" "take"];
    READY "ready" "allow-oom" Replicated ["line" "pops" "feed" "sessions"];
    TICK "tick" "allow-oom" Replicated
        ["line" "beats" "entries" "pops" "feed" "sessions" "sweep" "slots" "stock" "held" "pace"
            "take"];
    BEAT "beat" "allow-oom" AtOnce ["line" "beats"];
    SNAPSHOT "snapshot" "allow-oom" AtOnce
        ["line" "beats" "slots" "slot_ends" "stock" "held" "pace" "standing"];
    PUT_STOCK "put_stock" "allow-oom" AtOnce [];
    REFUSE_GUEST "refuse_guest" "allow-oom" AtOnce [];
    MEMBERS "members" "allow-oom" AtOnce ["line" "entries"];
    CLEAR "clear" "allow-oom" Replicated ["line"];
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
