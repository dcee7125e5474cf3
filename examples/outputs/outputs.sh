#!/bin/sh
# What a job leaves in a folder of its container, in a folder here: sh outputs.sh FOLDER
set -eu
folder="${1:-results}"
id=$(cortex job submit --cpu 100 --memory 32Mi --storage 64Mi --duration 60 --output /results \
  "${IMAGE:-busybox:1.36}" -- sh -c 'mkdir -p /results/by-size && for n in 1 2 3; do seq $n > /results/by-size/$n.txt; done')
cortex job wait "$id"
cortex job output "$id" -o "$folder"
find "$folder" -type f | sort
