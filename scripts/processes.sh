# Sourced by other scripts: processes identified by more than their id, and free ports.
# shellcheck shell=bash

fail() {
  echo "scripts/$(basename "$0"): $*" >&2
  exit 1
}

# "PID START", because the id alone may belong to another process by now.
identity() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  stat=${stat##*) }
  # shellcheck disable=SC2086
  set -- "$1" $stat
  [ "$2" != Z ] || return 1
  echo "$1 ${21}"
}

runs() { # FILE with an identity
  local known
  [ -f "$1" ] && read -r known <"$1" && [ "$(identity "${known%% *}")" = "$known" ]
}

signal() { # SIGNAL FILE
  local known
  if runs "$2"; then
    read -r known <"$2"
    kill "-$1" "${known%% *}" 2>/dev/null || true
  fi
}

await_end() { # FILE SECONDS
  local until=$((SECONDS + $2))
  while runs "$1"; do
    [ "$SECONDS" -lt "$until" ] || return 1
    sleep 0.05
  done
}

# Starts a command in the background, detached from this terminal, and records its identity. With
# SERVERS_ATTACHED it stays in the caller's process group.
launch() { # PIDFILE LOG COMMAND...
  local pidfile=$1 log=$2 apart=(setsid)
  shift 2
  [ -z "${SERVERS_ATTACHED:-}" ] || apart=()
  "${apart[@]}" "$@" </dev/null >>"$log" 2>&1 &
  identity $! >"$pidfile" || fail "ended right after its start; the end of $log:
$(tail -n 5 "$log")"
}

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Below the range of ports for outgoing connections, so that a restarted server finds its port free.
free_port() {
  local port _
  for _ in $(seq 200); do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    if ! listening "$port"; then
      echo "$port"
      return
    fi
  done
  fail "could not find a free port between 20000 and 32000"
}
