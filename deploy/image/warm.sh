#!/usr/bin/env bash
# Starts the built service once without anything around it and ends it in order, so that its modules are compiled.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "$0")")/../.."
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
mkdir "$folder/bots"
HOST=127.0.0.1 PORT=0 CAMPFIRE_URL=http://127.0.0.1:9 DATA_DIR=$folder/data BOTS_DIR=$folder/bots CONTAINMENT=group \
  node --disable-warning=ExperimentalWarning dist/server.js >"$folder/log" &
service=$!
for _ in $(seq 200); do
  if grep -q '"event":"service.started"' "$folder/log"; then
    kill -TERM "$service"
    wait "$service"
    exit
  fi
  sleep 0.1
done
cat "$folder/log" >&2
kill -KILL "$service"
exit 1
