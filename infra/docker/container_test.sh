#!/usr/bin/env bash
# Builds the image without a registry of images and without a daemon, and runs it as it would run:
# mmdebstrap makes the base that debian:bookworm-slim is, buildah runs the Dockerfile. Debian, root.
# pip reaches its index as it does here, with this machine's certificates; none of that is kept.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=${TARGET:-gpu}
image=localhost/fairshard:$target
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mmdebstrap --quiet --variant=minbase bookworm "$work/base.tar"
base=$(buildah from scratch)
buildah add --quiet "$base" "$work/base.tar" / >/dev/null
buildah commit --quiet --rm "$base" localhost/fairshard-base >/dev/null

printf '[global]\ncert = /run/certificates.crt\n' >"$work/pip.conf"
buildah build --quiet --format docker --isolation chroot --timestamp 315532800 \
    --volume "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}:/run/certificates.crt:ro" \
    --volume "$work/pip.conf:/etc/pip.conf:ro" \
    --file infra/docker/Dockerfile --ignorefile infra/docker/Dockerfile.dockerignore \
    --build-arg BASE=localhost/fairshard-base --target "$target" --tag "$image" .

container=$(buildah from "$image")
trap 'rm -rf "$work"; buildah rm "$container" >/dev/null' EXIT
in_container() {
    buildah run --isolation chroot "$container" -- "$@"
}
# shellcheck disable=SC2016  # the container's shell expands it
in_container sh -c 'test "$(id -u)" = 10001 && ! touch /opt/fairshard/new 2>/dev/null'
in_container fairshard corpus /data/demo --samples 1000 --shards 2
in_container fairshard rebalance /data/demo/config.yaml
in_container fairshard verify /data/demo/rebalanced
mapfile -t health < <(buildah inspect --format '{{range .Docker.Config.Healthcheck.Test}}{{println .}}{{end}}' "$image" | sed '1d;/^$/d')
in_container "${health[@]}"
buildah images --format '{{.Name}}:{{.Tag}} {{.Size}} {{.Digest}}' "$image"
