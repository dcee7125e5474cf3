#!/bin/sh
# Cortex node, run by the Node.js that came with it.
self=$(readlink -f -- "$0")
lib=${self%/*/*}/lib/cortex-node
exec "$lib/node" "$lib/dist/bin/cortex.js" "$@"
