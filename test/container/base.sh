# Sourced by run.sh: the base image that the tests build on, which is a minimal Debian with Node, npm and nothing
# more; no tini, so that the Dockerfile's own installation is what is tested.
SUITE=bookworm
NODE_MAJOR=24

# Where this machine takes Debian's packages from; nothing if it does not use this suite, and then debootstrap knows.
mirror() {
  apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
    awk -v suite="$SUITE" '$1 == suite && $2 == "main" { print $3; exit }'
}

# How this machine reaches it: proxies and relaxed checks. In apt.conf's own syntax.
apt_settings() {
  apt-config dump | grep -E '^Acquire::(https?::|Check-|Retries|ForceIPv)' || true
}

# The certificates that this machine trusts, and those that its Node and npm trust besides.
trusted() {
  local file
  for file in /etc/ssl/certs/ca-certificates.crt "${NODE_EXTRA_CA_CERTS-}" "$(npm config get cafile 2>/dev/null)"; do
    if [ -f "$file" ]; then cat "$file"; fi
  done
}

# What goes into the image is a function of these; one made of others is made anew.
base_version() {
  { cat "$here/base.sh"; dpkg --print-architecture; mirror; apt_settings; trusted; } | sha256sum | cut -c 1-16
}

# node_into ROOT: the official binaries, which the npm registry holds as packages.
node_into() {
  local arch packages=$WORK/node
  case $(dpkg --print-architecture) in
    amd64) arch=x64 ;;
    arm64) arch=arm64 ;;
    *) echo "test:container: expected amd64 or arm64, got $(dpkg --print-architecture)" >&2; return 1 ;;
  esac
  npm install --silent --no-save --ignore-scripts --prefix "$packages" "node-linux-$arch@$NODE_MAJOR" npm@11
  install "$packages/node_modules/node-linux-$arch/bin/node" "$1/usr/local/bin/node"
  mkdir -p "$1/usr/local/lib/node_modules"
  mv "$packages/node_modules/npm" "$1/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$1/usr/local/bin/npm"
}

# debian_into ROOT
debian_into() {
  local root=$1 proxy
  eval "$(apt-config shell proxy Acquire::http::Proxy)"
  ${proxy:+env "http_proxy=$proxy"} debootstrap --variant=minbase "$SUITE" "$root" $(mirror) \
    >"$WORK/debootstrap.log" 2>&1 || { tail -n 20 "$WORK/debootstrap.log" >&2; return 1; }
  apt_settings >"$root/etc/apt/apt.conf.d/99machine"
  # As in Debian's own images: no translations, and no service is started because its package is installed.
  echo 'Acquire::Languages "none";' >"$root/etc/apt/apt.conf.d/99no-languages"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  mkdir -p "$root/etc/ssl/certs"
  trusted >"$root/etc/ssl/certs/ca-certificates.crt"
  # The device nodes would be in the way: whoever runs the image brings its own.
  rm -rf "$root"/usr/share/{doc,info,locale,man} "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/dev/*
}

# Sets BASE_IMAGE.
make_base() {
  local root=$WORK/base container began=$SECONDS
  BASE_IMAGE=$(image "base:$(base_version)")
  if images inspect --type image "$BASE_IMAGE" >/dev/null 2>&1; then return; fi
  # Those of before would only take up room.
  images rmi --all --force >/dev/null 2>&1 || true
  mkdir "$root"
  debian_into "$root"
  node_into "$root"
  tar --directory "$root" --create --file "$WORK/base.tar" .
  container=$(images from scratch)
  images add --quiet "$container" "$WORK/base.tar" /
  images commit --quiet --rm "$container" "$BASE_IMAGE" >/dev/null
  rm -rf "$root" "$WORK/base.tar"
  echo "made the base image ($((SECONDS - began)) s)"
}
