#!/usr/bin/env bash
# Packs a Python environment that spark-submit sends to the workers. They need the same Python at
# the same path: it is not packed.
#   infra/spark/environment.sh environment.tar.gz
# What follows the archive's name goes to pip, in place of fairshard as it is here.
set -euo pipefail
archive=$(realpath "$1")
shift
cd "$(dirname "$0")/../.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/environment"
"$folder/environment/bin/pip" install --quiet --constraint constraints.txt "${@:-.[spark]}"
if "$folder/environment/bin/python" -c "import numba, typer" 2>/dev/null; then
    "$folder/environment/bin/fairshard" warm
fi
venv-pack --quiet --force --prefix "$folder/environment" --output "$archive"
