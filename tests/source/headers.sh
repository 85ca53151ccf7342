#!/bin/sh
# headers.sh - each header compiles alone: the public ones as C11, C17 and C++17, the others as C17
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/../.."
bad=0
try() # try HEADER LANGUAGE COMMAND...
{
    header=$1 language=$2
    shift 2
    printf '#include <%s>\n' "$header" | "$@" -Wall -Wextra -Werror -fsyntax-only -x "$language" - || { echo "$header: $*"; bad=1; }
}
for header in include/mote/*.h; do
    header=${header#include/}
    for cc in gcc clang; do
        try "$header" c $cc -std=c11 -pedantic -Wstrict-prototypes -Wconversion -Iinclude
        try "$header" c $cc -std=c17 -pedantic -Iinclude
    done
    try "$header" c++ g++ -std=c++17 -pedantic -Wconversion -Wold-style-cast -Iinclude
    try "$header" c++ clang++ -std=c++17 -pedantic -Iinclude
done
# Templates (_tmpl.h) are made to be included with their parameters defined.
for header in $(find src -name '*.h' ! -name '*_tmpl.h') $(find pipeline quant -name '*.h' 2>/dev/null); do
    case $header in
    *_neon.h) cc=aarch64-linux-gnu-gcc ;;
    *) cc=gcc ;;
    esac
    try "${header#src/}" c $cc -std=c17 -Iinclude -Isrc -I.
done
exit $bad
