#!/bin/sh
# On the second machine: sells it to that network alone. FIRST is where the first machine is reached, by its number.
set -eu
exec cortex agent --network-key "${NETWORK_KEY:-cortex.key}" --data "${DATA:-./second}" \
  --bootstrap "/ip4/${FIRST:?say where the first machine is, e.g. 192.168.1.10}/tcp/${PEER_PORT:-13100}" \
  --cpu 2000 --memory 2Gi
