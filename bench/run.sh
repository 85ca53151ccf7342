#!/bin/sh
# run.sh - what ./run bench measures: kernels from their table rows, or whole models, alone or beside onnxruntime
# SPDX-License-Identifier: Apache-2.0
#
# usage: bench/run.sh kernels [FAMILY...]                      every row of every kernel family (or of some), on this machine
#        bench/run.sh models MODEL... [-- BENCH-OPTION...]     mote bench on each
#        bench/run.sh ops [OPS-OPTION...]                     every operator beside onnxruntime (bench/ops.py --help)
#        bench/run.sh against MODEL... [-- AGAINST-OPTION...]  mote and onnxruntime in turn, the ratio (bench/against.py --help)
set -eu
cd "$(dirname "$0")/.."
what=${1:-kernels}
[ $# = 0 ] || shift

usage() { sed -n 's/^# \{0,1\}//; 5,8p' bench/run.sh; }

# Splits the arguments at "--": for each model, `each MODEL OPTION...`.
for_models()
{
    models=
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        models="$models $1"
        shift
    done
    [ $# = 0 ] || shift
    [ -n "$models" ] || { usage >&2; exit 2; }
    for model in $models; do
        each "$model" "$@"
    done
}

case $what in
kernels)
    for family in ${*:-$(grep -l kcheck_args tests/kernels/test_*.c | sed 's/.*test_//; s/\.c$//')}; do
        build/release/tests/test_"$family" --bench
    done
    ;;
models)
    each()
    {
        echo "== $1"
        build/release/mote bench "$@"
    }
    for_models "$@"
    ;;
ops)
    exec "${MOTE_PYTHON:-build/venv/bin/python}" bench/ops.py build/release/mote "$@"
    ;;
against)
    python=${MOTE_PYTHON:-build/venv/bin/python}
    each() { "$python" bench/against.py build/release/mote "$@"; }
    for_models "$@"
    ;;
*)
    usage >&2
    exit 2
    ;;
esac
