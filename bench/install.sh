#!/usr/bin/env bash
# Installs what bench/faults.ts needs beside what the tests need: etcd and etcdctl, to be measured against.
# As test/install.sh does it: quietly, and without starting a server.
set -euo pipefail
exec bash "$(dirname "$0")/../test/install.sh" etcd-server:/usr/bin/etcd etcd-client:/usr/bin/etcdctl
