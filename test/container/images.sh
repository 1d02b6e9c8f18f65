# Sourced by run.sh: buildah on a storage of our own. The machine's own images are never seen nor touched.

# vfs copies instead of stacking, and so needs nothing of the kernel or of the filesystem below it.
images() {
  TMPDIR=$WORK buildah --storage-driver vfs --root "$CACHE/storage" --runroot "$CACHE/storage-run" "$@"
}

# The full name of an image of ours: `localhost` is what keeps buildah from looking in a registry.
image() { echo "localhost/lockex-test-$1"; }

# The .npmrc of this machine's npm, for the npm in the build: the same registry, proxy and trust.
npmrc() {
  npm config list --json 2>/dev/null | node -e '
    const { existsSync, readFileSync } = require("node:fs");
    const config = JSON.parse(readFileSync(0, "utf8"));
    for (const file of [config.globalconfig, config.userconfig, ".npmrc"])
      if (existsSync(file)) console.log(readFileSync(file, "utf8"));
    // What may have come from the environment. The certificates are in the base.
    for (const key of ["registry", "proxy", "https-proxy", "noproxy", "strict-ssl"])
      if (![null, undefined, ""].includes(config[key])) console.log(`${key}=${config[key]}`);
    console.log("cafile=/etc/ssl/certs/ca-certificates.crt");'
}

# build_image NAME DOCKERFILE BUILD_ARG: as a user would, but for the storage and for the isolation, which needs no
# container runtime. Without --layers: vfs would copy the whole filesystem for each step.
build_image() {
  (umask 077 && npmrc >"$WORK/npmrc")
  images bud --jobs 2 --pull-never --isolation chroot --secret "id=npmrc,src=$WORK/npmrc" \
    --build-arg "$3" --file "$2" --tag "$(image "$1")" .
  rm "$WORK/npmrc"
  # What the name stood for until now.
  images rmi --prune
}

# image_config NAME KEY: of the image's `config`; one line for each value where there are several.
image_config() {
  images inspect --type image "$(image "$1")" | node -e '
    const { config } = JSON.parse(require("node:fs").readFileSync(0, "utf8")).OCIv1;
    console.log([config[process.argv[1]]].flat().join("\n"));' "$2"
}
