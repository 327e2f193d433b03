#!/bin/sh
# Tells Spark which GPUs this machine has: spark.{worker,executor}.resource.gpu.discoveryScript.
set -eu
found=$(nvidia-smi --query-gpu=index --format=csv,noheader)
addresses=$(echo "$found" | sed 's/.*/"&"/' | paste -sd, -)
echo "{\"name\": \"gpu\", \"addresses\": [$addresses]}"
