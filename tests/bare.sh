#!/bin/sh
# bare.sh - runs ./run in a Debian that has nothing, as a new user would
# SPDX-License-Identifier: Apache-2.0
#
# usage, as root: tests/bare.sh bookworm|trixie [COMMAND...]      e.g. tests/bare.sh trixie build
# Needs debootstrap. The system is made in a temporary folder and removed again; KEEP=1 leaves it. CA_BUNDLE names a file of certificates
# that the new system must trust, for networks that need one.
set -eu
cd "$(dirname "$0")/.."
suite=${1:?a Debian suite}
shift
[ $# -gt 0 ] || set -- build
system=$(mktemp -d "${TMPDIR:-/tmp}/mote-bare-XXXXXX")
clean()
{
    umount "$system/proc" 2>/dev/null || true
    if [ -n "${KEEP:-}" ]; then echo "left in $system"; else rm -rf --one-file-system "$system"; fi
}
trap clean EXIT
trap 'exit 1' INT TERM
debootstrap --variant=minbase "$suite" "$system" ${MIRROR:+"$MIRROR"} >"$system.log" 2>&1 || { tail "$system.log"; exit 1; }
rm -f "$system.log"
cp /etc/resolv.conf "$system/etc/resolv.conf"
mount -t proc proc "$system/proc"
mkdir "$system/mote"
git archive HEAD | tar x -C "$system/mote"
certificates=
if [ -n "${CA_BUNDLE:-}" ]; then
    cp "$CA_BUNDLE" "$system/mote-ca.pem"
    certificates="PIP_CERT=/mote-ca.pem SSL_CERT_FILE=/mote-ca.pem"
fi
# shellcheck disable=SC2086 # a list of words
chroot "$system" env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb $certificates \
    sh -c 'cd /mote && exec ./run "$@"' sh "$@"
