#!/bin/sh
# size.sh - the shared library, stripped, for x86-64 and aarch64: its size by component, and whether it keeps the limit
# SPDX-License-Identifier: Apache-2.0
#
# usage: tools/size.sh [x86_64|aarch64]...     builds in build/size-*; ends with 1 when a library is larger than LIMIT
set -eu
cd "$(dirname "$0")/.."
limit=1500000 # bytes: 1.5 MB, docs/size.md
jobs=${JOBS:-2}
status=0

# Bytes of each component out of the linker's map: what is loaded, by the object that it came from.
components()
{
    awk '
    /^Linker script and memory map/ { on = 1 }
    # lld: VMA LMA SIZE ALIGN FILE:(SECTION)
    /^ +VMA +LMA +Size +Align/ { lld = 1 }
    lld && $5 ~ /\.o:\(\./ {
        n = split($5, p, ":")
        section = substr(p[n], 2, length(p[n]) - 2)
        file = p[1]
        address = $1 == "0" ? "0x0" : "0x1"
        size = "0x" $3
    }
    !on && !lld { next }
    !lld && /^ \.[A-Za-z_]/ && NF == 1 { section = $1; next }
    !lld && /^ \.[A-Za-z_]/ && NF >= 4 { section = $1; address = $2; size = $3; file = $4 }
    !lld && /^ +0x/ && NF >= 3 { address = $1; size = $2; file = $3 }
    file != "" {
        if (section ~ /^\.(text|rodata|data|bss|init_array)/ && section !~ /^\.bss/ && address !~ /^0x0+$/ && file ~ /\.dir\/.*\.o$/) {
            sub(/^.*\.dir\//, "", file)
            n = split(file, p, "/")
            name = p[1] "/" p[2]
            if (name == "src/provider" && p[3] == "cpu")
                name = "src/provider/cpu"
            if (name == "src/kernels") {
                isa = "the rest"
                if (match(p[n], /_(ref|avx2|avx512|avxvnni|neon)/))
                    isa = substr(p[n], RSTART + 1, RLENGTH - 1)
                name = "src/kernels, " (isa == "ref" ? "plain C" : isa)
            }
            print name, hex(size)
        }
        file = ""
    }
    function hex(text,   i, v) {
        v = 0
        text = tolower(substr(text, 3))
        for (i = 1; i <= length(text); i++)
            v = 16 * v + index("0123456789abcdef", substr(text, i, 1)) - 1
        return v
    }' "$1" |
        awk '{ n = $NF; $NF = ""; sum[$0] += n; all += n } END { for (k in sum) print sum[k] "\t" k; print all "\tall" }' |
        LC_ALL=C sort -k1,1nr
}

report()
{
    arch=$1
    dir=build/size-$arch
    strip=strip toolchain= linker=
    if [ "$arch" = aarch64 ] && [ "$(uname -m)" != aarch64 ]; then
        strip=aarch64-linux-gnu-strip toolchain=-DCMAKE_TOOLCHAIN_FILE=cmake/aarch64-linux-gnu.cmake
    fi
    # Debian's own linker for aarch64 cannot pack relocations; lld, which phones' libraries are linked with, can.
    lld=$(find /usr/lib/llvm-*/bin -name ld.lld 2>/dev/null | sort | tail -n 1)
    if [ "$arch" = aarch64 ] && [ -n "$lld" ]; then
        linker="-fuse-ld=lld -B$(dirname "$lld") -Wl,--pack-dyn-relocs=relr "
    fi
    # shellcheck disable=SC2086 # one word or none
    cmake -G Ninja -S . -B "$dir" $toolchain -DCMAKE_BUILD_TYPE=None -DCMAKE_C_FLAGS=-O2 -DMOTE_SMALL=ON -DCMAKE_SHARED_LINKER_FLAGS="${linker}-Wl,-Map=mote.map" \
        -DBUILD_SHARED_LIBS=ON -DMOTE_BUILD_TOOL=OFF >"$dir.log" 2>&1 || { cat "$dir.log"; exit 1; }
    cmake --build "$dir" -j "$jobs" --target mote >"$dir.log" 2>&1 || { tail -n 40 "$dir.log"; exit 1; }
    "$strip" -o "$dir/stripped.so" "$(find "$dir" -name 'libmote.so.*.*.*' -type f | head -n 1)"
    total=$(wc -c <"$dir/stripped.so")
    echo "$arch: libmote.so, stripped: $total bytes, limit $limit"
    components "$dir/mote.map" | awk -F '\t' -v total="$total" '$2 == "all" { all = $1; next } { printf "%9d  %5.1f %%  %s\n", $1, 100 * $1 / total, $2 }
        END { printf "%9d  %5.1f %%  names, relocations, padding\n", total - all, 100 * (total - all) / total }'
    if [ "$total" -gt "$limit" ]; then
        echo "$arch: too large by $((total - limit)) bytes"
        status=1
    fi
    echo
}

mkdir -p build
for arch in ${*:-x86_64 aarch64}; do
    report "$arch"
done
exit $status
