#!/usr/bin/env bash
# Installs what the tests need and this machine lacks: real servers and tools, all of them Debian packages.
# Quiet and quick when nothing is missing. Without root it says what to install, and fails: nothing is skipped.
# Installed servers are not started; the tests start their own. What else is needed is named as the arguments are
# here: PACKAGE:FILE-THAT-IT-BRINGS (bench/install.sh).
set -euo pipefail

# package: a file that it brings
needs=(
  zookeeper:/usr/share/java/zookeeper.jar
  libslf4j-java:/usr/share/java/slf4j-simple.jar
  libnetty-java:/usr/share/java/netty-codec.jar
  openssl:/usr/bin/openssl
  default-jre-headless:/usr/bin/java
  redis-server:/usr/bin/redis-server
  redis-tools:/usr/bin/redis-cli
  etcd-server:/usr/bin/etcd
  etcd-client:/usr/bin/etcdctl
  memcached:/usr/bin/memcached
  supervisor:/usr/bin/supervisord
  python3:/usr/bin/python3
  python3-kazoo:/usr/lib/python3/dist-packages/kazoo/client.py
  tini:/usr/bin/tini
  perl:/usr/bin/perl
  procps:/usr/bin/ps
  util-linux:/usr/bin/setpriv
  util-linux:/usr/bin/flock
  "$@"
)

missing=()
for need in "${needs[@]}"; do
  package=${need%%:*}
  if [[ ! -e ${need#*:} && " ${missing[*]-} " != *" $package "* ]]; then
    missing+=("$package")
  fi
done
if ((${#missing[@]} == 0)); then
  exit 0
fi

if ! command -v apt-get >/dev/null; then
  echo "test/install.sh: the tests need these Debian packages, and there is no apt-get here: ${missing[*]}" >&2
  exit 1
fi
if ((EUID != 0)); then
  {
    echo "test/install.sh: the tests need what is not installed. As root:"
    echo "  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
  } >&2
  exit 1
fi

echo "test/install.sh: installing ${missing[*]}" >&2
log=$(mktemp)

# invoke-rc.d asks this file whether a service may be started: 101 is "no". One that is there already is the
# machine's own, unless it carries our mark: then a run of ours was killed.
policy=/usr/sbin/policy-rc.d
mark='# put here by test/install.sh of lockex'
ours() { [[ -e $policy ]] && grep -qF "$mark" "$policy"; }
cleanup() {
  if ours; then rm -f "$policy"; fi
  rm -f "$log"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP
if [[ ! -e $policy ]]; then
  printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy"
  chmod 755 "$policy"
fi

apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" \
    </dev/null >"$log" 2>&1
}
install() {
  apt install -y --no-install-recommends -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
    "${missing[@]}"
}
# The package lists may be there and fresh, there and stale, or not there.
if ! install && ! { apt update && install; }; then
  cat "$log" >&2
  echo "test/install.sh: could not install ${missing[*]}" >&2
  exit 1
fi

for need in "${needs[@]}"; do
  if [[ ! -e ${need#*:} ]]; then
    echo "test/install.sh: ${need%%:*} is installed, but ${need#*:} is not there" >&2
    exit 1
  fi
done
