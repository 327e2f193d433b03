#!/usr/bin/env bash
# Submits a fairshard command with an environment that environment.sh packed; the driver runs here.
#   MASTER=spark://host:7077 ENVIRONMENT=environment.tar.gz \
#       infra/spark/submit.sh [spark-submit's options] -- rebalance config.yaml
# PYTHON is the driver's, with fairshard installed.
set -euo pipefail

options=()
while [[ $# -gt 0 && "$1" != -- ]]; do
    options+=("$1")
    shift
done
if [[ $# -lt 2 ]]; then
    echo "usage: submit.sh [spark-submit's options] -- COMMAND CONFIG [options]" >&2
    exit 2
fi
shift

exec spark-submit \
    --master "$MASTER" \
    --archives "$ENVIRONMENT#environment" \
    --conf spark.pyspark.python=./environment/bin/python \
    --conf spark.pyspark.driver.python="${PYTHON:-python3}" \
    "${options[@]}" \
    "$(dirname "$0")/submit.py" "$@" --engine spark
