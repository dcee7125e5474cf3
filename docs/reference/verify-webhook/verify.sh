#!/bin/sh
# verify.sh SIGNATURE <BODY: ends with 0 where the delivery is of the gateway that has WEBHOOK_SECRET. The secret is a
# flag of openssl for a moment, so use this on a machine whose users you trust.
seconds=${1#t=}
seconds=${seconds%%,*}
case $seconds in '' | *[!0-9]*) exit 1 ;; esac
age=$(($(date +%s) - seconds))
[ "$age" -le 300 ] && [ "$age" -ge -300 ] || exit 1
expected=$({ printf '%s.' "$seconds" && cat; } | openssl dgst -sha256 -hmac "$WEBHOOK_SECRET" -r | cut -d ' ' -f 1)
[ "$1" = "t=$seconds,v1=$expected" ]
