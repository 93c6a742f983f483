#!/bin/sh
set -eu
chown -R rabbitmq: /var/lib/rabbitmq
cd /var/lib/rabbitmq
export HOME=/var/lib/rabbitmq RABBITMQ_LOGS=- RUNNING_UNDER_SYSTEMD=1
[ "$1" != rabbitmq-server ] || set -- /usr/lib/rabbitmq/bin/rabbitmq-server
exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups -- "$@"
