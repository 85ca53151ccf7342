#!/bin/sh
# run.sh - builds every fuzz target with libFuzzer and runs each for a while, from its committed corpus
# SPDX-License-Identifier: Apache-2.0
#
# usage: tests/fuzz/run.sh [SECONDS [JOBS]]      New inputs go to build/fuzz-corpus/, failures to build/fuzz-failures/.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-60}
jobs=${2:-2}
targets=$(find tests/fuzz -name 'fuzz_*.c' | sed 's/.*\///; s/\.c$//' | sort)
[ -n "$targets" ] || { echo "fuzz: this tree has no fuzz targets (tests/fuzz/fuzz_*.c)" >&2; exit 1; }
cmake --preset fuzz
# shellcheck disable=SC2086 # a list of words
cmake --build --preset fuzz -j "$jobs" --target $targets
bad=0
good=0
for target in $targets; do
    mkdir -p "build/fuzz-corpus/$target" build/fuzz-failures
    corpus=tests/fuzz/corpus/$target
    [ -d "$corpus" ] || corpus=
    dictionary=tests/fuzz/$target.dict
    echo "== $target, $seconds s"
    # 64 MiB is what a hostile input may take through the allocator; the process around it needs more.
    # shellcheck disable=SC2086
    if "build/fuzz/fuzz/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        $([ -e "$dictionary" ] && echo "-dict=$dictionary") -artifact_prefix="build/fuzz-failures/$target-" \
        "build/fuzz-corpus/$target" $corpus >"build/fuzz-failures/$target.log" 2>&1; then
        good=$((good + 1))
        grep -E 'stat::(number_of_executed_units|average_exec_per_sec|peak_rss_mb)' "build/fuzz-failures/$target.log"
    else
        bad=$((bad + 1))
        tail -n 40 "build/fuzz-failures/$target.log"
    fi
done
echo "$good passed, $bad failed, 0 skipped"
[ $bad = 0 ]
