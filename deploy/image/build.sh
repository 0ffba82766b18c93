#!/usr/bin/env bash
# Makes a checkout into what an image runs: dist/, production packages, no second Node, modules already compiled. Run
# with Node 24 and npm on the PATH. The Dockerfile's first stage is this script.
set -euo pipefail
. "$(dirname -- "$(readlink -f -- "$0")")/../../bin/common.sh"
cd -- "$root"

install_node_modules
bin/build
npm prune --omit=dev --no-fund --no-audit
# The base image has a Node of its own.
rm -rf -- node_modules/node node_modules/.bin/node

# Node keeps what it compiled: a container is ready sooner, and at idle smaller. It is written when a process ends in
# order, and only read afterwards.
export NODE_COMPILE_CACHE=$root/.compile-cache
deploy/image/warm.sh
