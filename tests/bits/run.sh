#!/bin/sh
# run.sh - the bare compiler builds of the core, warnings being errors, and the checksums of what each computes
# SPDX-License-Identifier: Apache-2.0
#
# usage: tests/bits/run.sh [JOBS]
set -eu
cd "$(dirname "$0")/../.."
jobs=${1:-2}
out=build/bits
rm -rf $out
mkdir -p $out
warnings="-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Wpointer-arith -Wcast-qual -Werror"
sources=$(find src -name '*.c')

# The documented command, word for word, around one program.
# shellcheck disable=SC2046
cc -std=c17 -Iinclude -Isrc -o $out/plain tests/bits/bits.c $(find src -name '*.c') -lm -lpthread
$out/plain >$out/plain.txt

# build NAME COMMAND...: the same with optimisation and all warnings, a file at a time.
build()
{
    name=$1
    shift
    mkdir -p $out/$name
    command="$1 $warnings $(shift; echo "$*") -Iinclude -Isrc"
    for source in tests/bits/bits.c $sources; do
        echo "$source"
    done | xargs -P "$jobs" -I '{}' sh -c "$command -c '{}' -o $out/$name/\$(echo '{}' | tr / _).o"
    "$1" -o $out/$name/bits $out/$name/*.o -lm -lpthread
}

compare()
{
    lines=$(wc -l <$out/plain.txt)
    if ! diff $out/plain.txt "$1" >$out/difference; then
        echo "$1 differs from $out/plain.txt:"
        head -n 40 $out/difference
        exit 1
    fi
    echo "$1: $lines equal checksums"
}

for dialect in c17 gnu17; do
    build gcc-$dialect gcc -O2 -std=$dialect
    $out/gcc-$dialect/bits >$out/gcc-$dialect.txt
    compare $out/gcc-$dialect.txt
    build clang-$dialect clang -O2 -std=$dialect
    $out/clang-$dialect/bits >$out/clang-$dialect.txt
    compare $out/clang-$dialect.txt
done
# For this machine alone: the compiler may now use FMA and wide vectors anywhere.
build gcc-native gcc -O3 -march=native -std=gnu17 -Wno-maybe-uninitialized
$out/gcc-native/bits >$out/gcc-native.txt
compare $out/gcc-native.txt
if command -v aarch64-linux-gnu-gcc >/dev/null; then
    build aarch64 aarch64-linux-gnu-gcc -O2 -std=c17
    qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64)
    "$qemu" -L /usr/aarch64-linux-gnu $out/aarch64/bits >$out/aarch64.txt
    compare $out/aarch64.txt
fi
