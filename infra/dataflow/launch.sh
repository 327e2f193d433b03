#!/usr/bin/env bash
# Launches the template.
#   PROJECT=... REGION=... IMAGE=... TEMPLATE=gs://... BUCKET=gs://BUCKET CONFIG=gs://BUCKET/config.yaml \
#       OUTPUT=gs://BUCKET/rebalanced infra/dataflow/launch.sh
# GPU=nvidia-l4 gives each worker one, and its threads one process, so that they share one model.
# STAGE, WORKERS, MACHINE and THREADS say the rest.
set -euo pipefail

parameters="config=$CONFIG,output=$OUTPUT,stage=${STAGE:-rebalance},sdk_container_image=$IMAGE"
parameters+=",number_of_worker_harness_threads=${THREADS:-4}"
options=()
machine=n2-standard-8
if [[ -n "${GPU:-}" ]]; then
    parameters+=",dataflow_service_options=worker_accelerator=type:$GPU;count:1;install-nvidia-driver"
    machine=g2-standard-8
    options+=(--additional-experiments=no_use_multiple_sdk_containers)
fi

gcloud dataflow flex-template run "fairshard-$(date -u +%Y%m%d-%H%M%S)" \
    --project="$PROJECT" \
    --region="$REGION" \
    --template-file-gcs-location="$TEMPLATE" \
    --parameters="$parameters" \
    --max-workers="${WORKERS:-100}" \
    --worker-machine-type="${MACHINE:-$machine}" \
    --launcher-machine-type=n2-standard-4 \
    --staging-location="$BUCKET/staging" \
    --temp-location="$BUCKET/temp" \
    "${options[@]}"
