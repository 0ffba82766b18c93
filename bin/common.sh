# Read by the commands beside it, never run. Sets `root`, the checkout; works from any folder, through symlinks and
# with spaces in the path.
root=$(cd -P -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.." && pwd)

# Node's own notice that node:sqlite is young says nothing to whoever runs this.
node_flags=(--disable-warning=ExperimentalWarning)

stop() {
  printf '%s\n' "$*" >&2
  exit 1
}

need_linux() {
  [ "$(uname -s)" = Linux ] || stop "campfire-ai-bot runs on Linux: elsewhere, run the container (docs/self-hosting.md)."
}

# Sets `node` to the Node that the lockfile brings or, in an image without it, to the machine's own.
find_node() {
  node=$root/node_modules/.bin/node
  if [ ! -x "$node" ]; then
    node=$(command -v node) && [ "$("$node" -p 'parseInt(process.versions.node)')" -ge 24 ] ||
      stop "Node 24 is missing: run \`npm ci\` in $root, which brings it."
  fi
}

# Brings node_modules in line with package-lock.json.
install_node_modules() {
  local host_node=$root/node_modules/.bin/node
  if [ ! -x "$host_node" ]; then
    host_node=$(command -v node) && [ "$("$host_node" -p 'parseInt(process.versions.node)')" -ge 20 ] ||
      stop 'Node 20 or newer is missing, and npm with it: install them from https://nodejs.org or your distribution.'
  fi
  "$host_node" "$root/scripts/installed.mjs" && return
  command -v npm >/dev/null || stop 'npm is missing: install it (Debian: apt-get install npm) and run this again.'
  printf 'Installing the packages of package-lock.json (npm ci) …\n'
  (cd -- "$root" && npm ci </dev/null) || stop 'npm ci failed: see above.'
  [ -x "$root/node_modules/.bin/node" ] ||
    stop 'npm did not run the install script of the package "node": allow it, then run `npm rebuild node`.'
}

# install_programs <what it brings>=<Debian package> …: a command or a file, and where it comes from. Installs what is
# missing when it may; otherwise says what to install, and returns 1.
install_programs() {
  local program missing=() as_root=()
  for program; do
    command -v "${program%%=*}" >/dev/null || [ -e "${program%%=*}" ] || missing+=("${program#*=}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0

  if [ "$(id -u)" -ne 0 ]; then as_root=(sudo -n); fi
  if ! command -v apt-get >/dev/null || ! "${as_root[@]}" true 2>/dev/null; then
    printf 'Missing: %s. Install it as root (Debian: apt-get install %s).\n' "${missing[*]}" "${missing[*]}"
    return 1
  fi
  printf 'Installing %s (apt-get) …\n' "${missing[*]}"
  # One unreachable source among several is no reason to stop: the installation decides.
  "${as_root[@]}" apt-get update -qq </dev/null || true
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null
}

# What dist/ is made from, as one hash: names and contents, so that neither a checkout's nor an image's file times count.
build_inputs() {
  (
    cd -- "$root" &&
      find src bin/build tsconfig.json tsconfig.build.json package-lock.json -type f -print0 |
      LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum
  )
}

# Whether dist/ can be run as it is. Where there is no compiler (a production image), what was built is what there is.
dist_is_fresh() {
  [ -f "$root/dist/.inputs" ] || return 1
  [ -d "$root/node_modules/typescript" ] || return 0
  [ "$(build_inputs)" = "$(<"$root/dist/.inputs")" ]
}
