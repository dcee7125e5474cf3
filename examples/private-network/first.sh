#!/bin/sh
# On the first machine: makes the network's key, and serves the gateway. Copy the key to the second one, by a way on which
# nobody reads it: `scp cortex.key second:`.
set -eu
key="${NETWORK_KEY:-cortex.key}"
[ -e "$key" ] || cortex network-key "$key"
exec cortex gateway --network-key "$key" --data "${DATA:-./first}" --listen "/ip4/0.0.0.0/tcp/${PEER_PORT:-13100}" \
  --port "${PORT:-13000}"
