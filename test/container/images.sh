# Sourced by run.sh: buildah on a storage of our own. The machine's own images are never seen nor touched.

# vfs copies instead of stacking, and so needs nothing of the kernel or of the filesystem below it.
images() {
  TMPDIR=$WORK buildah --storage-driver vfs --root "$CACHE/storage" --runroot "$CACHE/storage-run" "$@"
}

# The full name of an image of ours: `localhost` is what keeps buildah from looking in a registry.
image() { echo "localhost/lockex-test-$1"; }

# The .npmrc of this machine's npm, for the npm in the build: the same registry, proxy and trust.
npmrc() {
  local key value file
  for key in globalconfig userconfig; do
    file=$(npm config get "$key" 2>/dev/null)
    [ -f "$file" ] && cat "$file" && echo
  done
  [ -f .npmrc ] && cat .npmrc && echo
  # Those that may have come from the environment or from a default; the certificates are the base's own.
  for key in registry proxy https-proxy noproxy strict-ssl; do
    value=$(npm config get "$key" 2>/dev/null)
    case $value in '' | null | undefined) ;; *) echo "$key=$value" ;; esac
  done
  echo cafile=/etc/ssl/certs/ca-certificates.crt
}

# build_image NAME DOCKERFILE BUILD_ARG: as a user would, but for the storage and for the isolation, which needs no
# container runtime. Without --layers: vfs would copy the whole filesystem for each step.
build_image() {
  local name=$1 began=$SECONDS
  npmrc >"$WORK/npmrc"
  if ! images bud --quiet --pull-never --isolation chroot --secret "id=npmrc,src=$WORK/npmrc" \
    --build-arg "$3" --file "$2" --tag "$(image "$name")" . >"$WORK/build.log" 2>&1 </dev/null; then
    cat "$WORK/build.log"
    echo "test:container: $2 does not build" >&2
    return 1
  fi
  rm "$WORK/npmrc"
  images rmi --prune >/dev/null 2>&1 || true
  echo "built $2 ($((SECONDS - began)) s)"
}

# image_config NAME EXPRESSION: what the JavaScript expression makes of the image's `config`.
image_config() {
  images inspect --type image "$(image "$1")" |
    node -e 'const { config } = JSON.parse(require("node:fs").readFileSync(0, "utf8")).OCIv1;
             const value = eval(process.argv[1]);
             console.log([value].flat().join("\n"));' "$2"
}
