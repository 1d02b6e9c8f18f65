#!/usr/bin/env bash
# The test of docker/ without a Docker engine: buildah builds docker/Dockerfile on a Debian made by debootstrap, and
# the image runs in namespaces made by unshare. For root, on Debian or Ubuntu; what is missing is installed.
# What is costly to make is kept in .cache/container, and remade when it is deleted.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=$PWD/test/container

if [ "$(id -u)" -ne 0 ]; then
  echo "test:container: expected root (debootstrap, buildah and unshare need it), got uid $(id -u): try sudo" >&2
  exit 1
fi

# Everything runs in namespaces of its own, and within a limit: however the test ends, the kernel ends its processes
# and its mounts with it.
if [ "${1-}" != --inside ]; then
  bash "$here/install.sh"
  exec timeout --verbose --foreground --kill-after=2 600 \
    unshare --mount --pid --fork --kill-child --mount-proc bash "$here/run.sh" --inside
fi

export CACHE=$PWD/.cache/container
mkdir -p "$CACHE"
# Two at once would pull the storage from under each other.
exec {only}>"$CACHE/only"
flock --nonblock "$only" || { echo "test:container: another run is using $CACHE" >&2; exit 1; }
rm -rf --one-file-system "$CACHE"/run.*
WORK=$(mktemp -d "$CACHE/run.XXXXXX")
export WORK
cleanup() {
  images rm --all >/dev/null 2>&1 || true
  rm -rf --one-file-system "$WORK"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

. "$here/report.sh"
. "$here/images.sh"
. "$here/base.sh"
. "$here/as-pid-1.sh"
images rm --all >/dev/null

make_base
check "docker/Dockerfile builds on a Debian with Node and npm" build_image lockex docker/Dockerfile BASE="$BASE_IMAGE"
if [ "$failed" -eq 0 ]; then
  check "docker/host.Dockerfile builds on that" build_image lockex-host docker/host.Dockerfile LOCKEX="$(image lockex)"
fi
if [ "$failed" -eq 0 ]; then
  for checks in "$here"/checks/*.sh; do
    . "$checks"
  done
fi
summary
