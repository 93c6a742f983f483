#!/bin/sh
# Redis and Sentinel in the pods of redis.yaml: redis.sh redis|sentinel|step-down [OPTION...]
#
# Who the primary is is known by the sentinels, then by what this pod's sentinel last wrote down, and at the very first
# start nobody: then it is redis-0.
set -eu

umask 077
me=$POD.redis
pods='redis-0.redis redis-1.redis redis-2.redis'
written=${DATA:=/data}/sentinel.conf

ask() { # HOST PORT COMMAND...: a server that does not answer says nothing
  host=$1 port=$2
  shift 2
  timeout 2 redis-cli -h "$host" -p "$port" --raw "$@" 2>/dev/null || true
}

ask_sentinel() { # HOST VERB
  (unset REDISCLI_AUTH && ask "$1" 26379 sentinel "$2" sunbeon)
}

primary() {
  for pod in $pods; do
    name=$(ask_sentinel "$pod" get-master-addr-by-name | head -n 1)
    [ -z "$name" ] || break
  done
  [ -n "$name" ] || [ ! -f "$written" ] || name=$(sed -n 's/^sentinel monitor sunbeon \([^ ]*\) .*/\1/p' "$written")
  echo "${name:-redis-0.redis}"
}

what=$1
shift
case $what in
  redis)
    name=$(primary)
    [ "$name" = "$me" ] || set -- --replicaof "$name" 6379 "$@"
    # Without a replica that keeps up it takes no writes: cut off from the others it is no second primary.
    exec redis-server --dir "$DATA" --save '' --appendonly yes --appendfsync always \
      --maxmemory "$MAXMEMORY" --maxmemory-policy noeviction --min-replicas-to-write 1 --min-replicas-max-lag 10 \
      --repl-diskless-sync-delay 0 --replica-announce-ip "$me" --requirepass "$REDISCLI_AUTH" --masterauth "$REDISCLI_AUTH" "$@"
    ;;
  sentinel)
    if [ ! -s "$written" ]; then
      name=$(primary)
      # A sentinel does not start with a name that has no address yet.
      until [ "$(ask "$name" 6379 ping)" = PONG ]; do
        sleep 1
      done
      cat >"$written" <<EOF
port 26379
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel announce-ip $me
sentinel monitor sunbeon $name 6379 2
sentinel down-after-milliseconds sunbeon 5000
sentinel failover-timeout sunbeon 10000
sentinel parallel-syncs sunbeon 1
EOF
    fi
    # The password may have changed since.
    sed -i '/^sentinel auth-pass /d' "$written"
    echo "sentinel auth-pass sunbeon $REDISCLI_AUTH" >>"$written"
    exec redis-server "$written" --sentinel "$@"
    ;;
  step-down)
    # A primary that is about to stop hands over first, to one that has a replica of its own and so takes writes. The
    # sentinel beside it is about to stop, too: what it agreed to would not be done.
    [ "$(primary)" = "$me" ] || exit 0
    for pod in $pods; do
      [ "$pod" = "$me" ] || [ "$(ask_sentinel "$pod" failover)" != OK ] || break
    done
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
      name=$(primary)
      # The answer of a primary: what it is, how far it is, and three lines for each replica.
      [ "$name" = "$me" ] || [ "$(ask "$name" 6379 role | wc -l)" -le 2 ] || exit 0
      sleep 0.5
    done
    ;;
esac
