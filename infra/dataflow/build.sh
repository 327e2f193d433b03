#!/usr/bin/env bash
# Builds the image with Cloud Build and writes the template's file beside the corpus.
#   PROJECT=... REGION=... IMAGE=REGION-docker.pkg.dev/PROJECT/REPOSITORY/fairshard:TAG \
#       TEMPLATE=gs://BUCKET/templates/fairshard.json infra/dataflow/build.sh
# DEVICE=cpu builds without CUDA.
set -euo pipefail
cd "$(dirname "$0")/../.."

gcloud builds submit . \
    --project="$PROJECT" \
    --region="$REGION" \
    --config=infra/dataflow/cloudbuild.yaml \
    --substitutions="_DEVICE=${DEVICE:-gpu},_IMAGE=$IMAGE"

gcloud dataflow flex-template build "$TEMPLATE" \
    --project="$PROJECT" \
    --image="$IMAGE" \
    --sdk-language=PYTHON \
    --metadata-file=infra/dataflow/metadata.json
