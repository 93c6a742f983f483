#!/bin/sh
# As the nginx image's 20-envsubst-on-templates.sh.
set -eu
if [ "$1" = nginx ]; then
  names=$(env | sed -n 's/^\([A-Za-z0-9_]*\)=.*/${\1} /p' | tr -d '\n')
  for template in /etc/nginx/templates/*.template; do
    name=$(basename "$template" .template)
    envsubst "$names" <"$template" >"${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d}/$name"
  done
fi
exec "$@"
