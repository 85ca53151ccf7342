#!/bin/sh
# layers.sh - the layers check catches what it is there for: faults planted in a copy of the sources
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/../.."
copy=build/layers
rm -rf $copy
mkdir -p $copy
for folder in include src pipeline quant tools; do
    [ ! -d $folder ] || cp -r $folder $copy/
done
sh tools/check_layers.sh $copy

# plant FILE LINE WORDS: with LINE added to FILE the check fails and says WORDS.
plant()
{
    cp "$copy/$1" $copy/saved
    printf '%s\n' "$2" >>"$copy/$1"
    if sh tools/check_layers.sh $copy >$copy/said; then
        echo "accepted in $1: $2"
        exit 1
    fi
    grep -F "$3" $copy/said >/dev/null || { cat $copy/said; echo "does not say: $3"; exit 1; }
    mv $copy/saved "$copy/$1"
}

plant src/tensor/array.c '#include "ops/op.h"' 'src/tensor (level 1) may not include src/ops/op.h'
plant src/tensor/dtype.c '#include "thread/pool.h"' 'src/tensor (level 1) may not include src/thread/pool.h'
plant src/base/str.c '  #  include "graph/graph.h"' 'src/base (level 0) may not include src/graph/graph.h'
plant src/kernels/unary/unary.c '#include "tensor/array.h"' 'src/kernels may not include src/tensor/array.h'
plant src/graph/graph.c '#include <immintrin.h>' '<immintrin.h> belongs to'
plant src/base/str.c '#include "base/nothing.h"' '"base/nothing.h" is no file'
plant include/mote/mote.h '#include "base/heap.h"' 'include may not include src/base/heap.h'
sh tools/check_layers.sh $copy
rm -rf $copy
