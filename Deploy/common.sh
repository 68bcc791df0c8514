# Sourced by the scripts beside it: where the source is, and what a build needs.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Debian packages that the build links; the names are those of Debian 12.
build_packages=(libssl-dev libsqlite3-dev libzstd-dev pkg-config)

say() { printf '\n== %s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# Installs those of the named packages that are missing. Needs root only when one is.
require_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' ||
      missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  [[ $EUID -eq 0 ]] || die "please install as root: apt-get install ${missing[*]}"
  say "installing ${missing[*]}"
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}"
}

require_swift() {
  command -v swift >/dev/null || die "no swift on PATH: install a Swift 6.3 toolchain (swift.org)"
}

# The total digest of what SITE and PEER may both hold, as SITE sees it; empty when it is down.
digest_of() {
  local lab=$1 site=$2 peer=$3 dongbo=$4
  "$dongbo" --config "$lab/$site/dongbo.conf" digest --peer "$peer" 2>/dev/null |
    sed -n 's/^total //p'
}

# Waits until both ends of a link show the same digest.
wait_equal() {
  local lab=$1 centre=$2 province=$3 dongbo=$4 limit=${5:-60} here there
  local end=$((SECONDS + limit))
  while ((SECONDS < end)); do
    here=$(digest_of "$lab" "$centre" "$province" "$dongbo" || true)
    there=$(digest_of "$lab" "$province" "$centre" "$dongbo" || true)
    [[ -n $here && $here == "$there" ]] && return 0
    sleep 0.2
  done
  printf '%s and %s still differ after %s s\n' "$centre" "$province" "$limit" >&2
  return 1
}

# The record ids in lines of JSON.
record_ids() { grep -o '"recordId":"[^"]*"' | cut -d'"' -f4; }

# Waits until every file of a document is at SITE; one that SITE does not hold has none there.
wait_files() {
  local lab=$1 site=$2 id=$3 dongbo=$4 limit=${5:-60}
  local end=$((SECONDS + limit))
  while "$dongbo" --config "$lab/$site/dongbo.conf" get document "$id" 2>/dev/null |
    grep -q '"bodyState": *"pending"'; do
    ((SECONDS < end)) || die "files of document $id have not come to $site within $limit s"
    sleep 0.2
  done
}
