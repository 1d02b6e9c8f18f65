#!/usr/bin/env bash
# Installs the Debian packages that the container test needs and that are missing.
set -euo pipefail
missing=()
need() { command -v "$1" >/dev/null || missing+=("$2"); }
need buildah buildah
need debootstrap debootstrap
need python3 python3
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing+=(debian-archive-keyring)
[ -e /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)
python3 -c 'import yaml' 2>/dev/null || missing+=(python3-yaml)
if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || {
    echo "test:container: expected ${missing[*]} to be installed, and there is no apt-get to do it" >&2
    exit 1
  }
  echo "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q=2 && apt-get install -q=2 -y --no-install-recommends "${missing[@]}" >/dev/null
fi
