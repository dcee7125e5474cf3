#!/bin/sh
# A job for each row: a column named like a field of a job sets it. Where one row is wrong, none is submitted.
set -eu
here=$(dirname "$0")
base=$(mktemp)
trap 'rm -f "$base"' EXIT
sed "s|busybox:1.36|${IMAGE:-busybox:1.36}|" "$here/base.json" > "$base"

batch=$(cortex batch submit -f "$base" --csv "$here/rows.csv" --concurrency 2)
echo "submitted $batch"
# Done once no job of it waits or runs.
until cortex batch get "$batch" --json | grep -Eq '"status": "(completed|failed|cancelled)"'; do sleep 1; done
cortex batch get "$batch"
