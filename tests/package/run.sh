#!/bin/sh
# run.sh - installs the library, moves it, and builds applications against it in every way that the documentation names
# SPDX-License-Identifier: Apache-2.0
#
# usage: tests/package/run.sh ON|OFF [JOBS]     (shared or static)
set -eu
cd "$(dirname "$0")/../.."
shared=$1
jobs=${2:-2}
root=$PWD
out=$root/build/package-$shared
rm -rf "$out/stage" "$out/moved" "$out/consumer" "$out/inside"

cmake -G Ninja -S . -B "$out/build" -DCMAKE_BUILD_TYPE=None -DCMAKE_C_FLAGS="-O0 -w" -DBUILD_SHARED_LIBS="$shared" -DMOTE_BUILD_TOOL=OFF \
    -DCMAKE_INSTALL_PREFIX="$out/stage"
cmake --build "$out/build" -j "$jobs"
cmake --install "$out/build"
mv "$out/stage" "$out/moved"
prefix=$out/moved

# Nothing installed knows where it was built or first installed.
if grep -rlF -e "$root/src" -e "$root/include" -e "$root/build" "$prefix" --include='*.cmake' --include='*.pc' --include='*.h'; then
    echo "the files above name the build's folder"
    exit 1
fi

# Only what begins with mote_ can be linked to.
libdir=$(dirname "$(find "$prefix" -name 'libmote.*' | head -n 1)")
for library in "$libdir"/libmote*; do
    [ ! -h "$library" ] || continue
    case $library in
    *.a) nm -g --defined-only "$library" 2>/dev/null ;;
    *) nm -D --defined-only "$library" ;;
    esac | awk 'NF == 3 { print $3 }' | sed 's/@.*//' | grep -v -e '^mote_' -e '^MOTE_1$' && {
        echo "$library: the names above are visible"
        exit 1
    }
done
# A shared library shows the public functions and no others.
if [ "$shared" = ON ]; then
    for name in mote mote_quant; do
        nm -D --defined-only "$libdir/lib$name.so" | awk 'NF == 3 && $2 == "T" { print $3 }' | sed 's/@.*//' | sort >"$out/exported"
        for header in include/mote/*.h; do
            [ "$name $header" = "mote include/mote/mote_quant.h" ] || sed -n 's/^MOTE_API.*[ *]\(mote_[a-z0-9_]*\)(.*/\1/p' "$header"
        done | sort >"$out/declared"
        [ -s "$out/declared" ]
        if ! diff "$out/declared" "$out/exported"; then
            echo "lib$name: declared (<) and exported (>) functions differ"
            exit 1
        fi
    done
fi

cmake -G Ninja -S tests/package -B "$out/consumer" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Debug
cmake --build "$out/consumer"
LD_LIBRARY_PATH=$libdir "$out/consumer/consumer"
LD_LIBRARY_PATH=$libdir "$out/consumer/consumer_cpp"
LD_LIBRARY_PATH=$libdir "$out/consumer/consumer_quant"

export PKG_CONFIG_PATH="$libdir/pkgconfig"
for name in mote mote_quant; do
    if [ "$shared" = ON ]; then
        flags=$(pkg-config --cflags --libs $name)
    else
        flags=$(pkg-config --static --cflags --libs $name)
    fi
    source=tests/package/consumer.c
    [ $name = mote ] || source=tests/package/consumer_quant.c
    # shellcheck disable=SC2086 # a list of words
    cc -o "$out/consumer/$name-with-pkg-config" $source $flags
    LD_LIBRARY_PATH=$libdir "$out/consumer/$name-with-pkg-config"
done

if [ "$shared" = OFF ]; then
    cmake -G Ninja -S tests/package -B "$out/inside" -DMOTE_FROM="$root" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS="-O0 -w"
    cmake --build "$out/inside" -j "$jobs" --target consumer consumer_cpp consumer_quant
    "$out/inside/consumer"
    "$out/inside/consumer_cpp"
    "$out/inside/consumer_quant"
fi
