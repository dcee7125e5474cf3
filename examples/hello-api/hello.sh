#!/bin/sh
# A job by the API alone: submitted, followed, and its end.
set -eu
api="${CORTEX_GATEWAY:-http://localhost:13000}/api/plugin-core"
job="$(dirname "$0")/job.json"
image="${IMAGE:-busybox:1.36}"

call() { curl -sS --fail-with-body -H "Authorization: Bearer $CORTEX_KEY" "$@"; }

# Sending it again under the same key answers the first job, rather than making a second one.
id=$(sed "s|busybox:1.36|$image|" "$job" |
  call -H 'Content-Type: application/json' -H "Idempotency-Key: hello-$$-$(date +%s)" -d @- "$api/jobs" |
  sed -n 's/.*"id":"\(job_[a-z0-9]*\)".*/\1/p')
echo "submitted $id"

# The log, line by line, until the job ends.
call -N -H 'Accept: text/event-stream' "$api/jobs/$id/logs"

call "$api/jobs/$id"
echo
