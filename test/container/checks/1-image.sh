# Sourced by run.sh: what is in the image of docker/Dockerfile, and that lockex works there.
container=$(images from --pull-never "$(image lockex)")
root=$(images mount "$container")

in_image() { images run --isolation chroot "$container" -- "$@"; }

prints_its_version() {
  equal "lockex --version" "lockex $(node -p 'require("./package.json").version')" "$(in_image lockex --version)"
  equal "Node's version" "v$NODE_MAJOR" "$(in_image node --version | cut -d . -f 1)"
}

runs_a_command() {
  local status=0 out
  out=$(in_image lockex --local -- sh -c 'echo hello; id -u; exit 3' 2>"$WORK/stderr") || status=$?
  cat "$WORK/stderr"
  equal "what the command printed" $'hello\n10001' "$out"
  equal "the status" 3 "$status"
}

holds_only_what_runs() {
  equal "the files of lockex" $'COPYING\nbin/lockex\nbin/package.json\ndist/farewell.cjs\ndist/guardian.cjs\ndist/guardian.pl\ndist/lockex.cjs\ndist/lockex.cjs.NODE.cache\npackage.json' \
    "$(cd "$root/usr/local/lib/lockex" && find . -path ./node_modules -prune -o -type f -printf '%P\n' | sed 's/cjs\.v24\.[^/]*\.cache/cjs.NODE.cache/' | LC_ALL=C sort)"
  equal "npm, packages but for lockex' own, sources" "" \
    "$(find "$root" -xdev -path "$root/usr/local/lib/lockex/node_modules" -prune -o \( -name node_modules -o -name 'np[mx]' -o -name '*.ts' -o -name .npmrc -o -name .npm \) -printf '%P\n')"
  equal "tools of developers" "" "$(cd "$root/usr/local/lib/lockex/node_modules" && ls -d typescript esbuild tsx @biomejs 2>/dev/null)"
  equal "the lists of apt" "" "$(find "$root/var/lib/apt/lists" -type f)"
}

# Nobody listens there: it is lockex that says so, and not the lack of a client library.
knows_other_services() {
  local url status
  for url in etcd redis memcached; do
    status=0
    in_image lockex --url "$url://127.0.0.1:9" -T 3 -n -- true 2>"$WORK/stderr" || status=$?
    cat "$WORK/stderr"
    equal "the status with $url" 69 "$status"
  done
}

# One layer made of a whole filesystem: nothing of what makes it one was lost.
keeps_owners_and_modes() {
  equal "the user's home" "10001:10001" "$(stat -c %u:%g "$root/home/lockex")"
  equal "su" "0:4755" "$(stat -c %u:%a "$root/usr/bin/su")"
  equal "/tmp" "0:1777" "$(stat -c %u:%a "$root/tmp")"
}

echo "the image has $(du --summarize --block-size=1M "$root" | cut -f 1) MiB, of which Node's executable" \
  "$(du --block-size=1M "$root/usr/local/bin/node" | cut -f 1) and lockex" \
  "$(du --summarize --block-size=1k "$root/usr/local/lib/lockex" | cut -f 1) KiB"
check "The image has lockex, of the version of package.json, on Node $NODE_MAJOR" prints_its_version
check "In the image lockex runs a command as a user that is not root, and ends with its status" runs_a_command
check "In the image lockex has what it needs for etcd, redis and memcached" knows_other_services
check "The image holds the bundle, its code cache, the clients of lock services and Node: no npm, no source" holds_only_what_runs
check "The image keeps the owners and modes of its base" keeps_owners_and_modes
