#!/bin/sh
# check_layers.sh - fails on an include that src/LAYERS does not allow, or that names no file
# SPDX-License-Identifier: Apache-2.0
#
# usage: tools/check_layers.sh [ROOT]
set -eu
root=${1:-$(dirname "$0")/..}
cd "$root"
files=$(find include src pipeline quant tools bindings examples \( -name '*.c' -o -name '*.h' -o -name '*.inc' \) -print 2>/dev/null | sort)

# shellcheck disable=SC2086 # file names of this project have no spaces
grep -nE '^[[:space:]]*#[[:space:]]*include' $files /dev/null | awk -v files="$files" '
function folder_of(file,    best, f) { # the longest folder of LAYERS that holds the file
    best = ""
    for (f in known)
        if (index(file, f "/") == 1 && length(f) > length(best))
            best = f
    return best
}
function complain(text) { print at ": " text; bad++ }
BEGIN {
    n = split(files, list, /[ \n]+/)
    for (i = 1; i <= n; i++)
        exists[list[i]] = 1
    while ((getline line < "src/LAYERS") > 0) {
        sub(/#.*/, "", line)
        if ((n = split(line, word, /[ \t]+/)) < 2)
            continue
        if (word[1] == "only") {
            known[word[2]] = 1
            only[word[2]] = " " word[2] " "
            for (i = 3; i <= n; i++)
                only[word[2]] = only[word[2]] word[i] " "
        } else if (word[1] == "intrinsics") {
            for (i = 3; i <= n; i++)
                intrinsics[word[2]] = intrinsics[word[2]] " " word[i] " "
        } else {
            known[word[2]] = 1
            level[word[2]] = word[1]
        }
    }
    if (!("src/base" in level)) {
        print "src/LAYERS: no levels"
        exit bad = 1
    }
}
{
    file = $0; sub(/:.*/, "", file)
    at = $0; sub(/:[^:]*$/, "", at); sub(/:[ \t]*#.*/, "", at)
    from = folder_of(file)
    if (from == "") { complain("not in a folder of src/LAYERS"); next }
    name = $0
    system_header = name ~ /include[ \t]*</
    sub(/^[^<"]*[<"]/, "", name); sub(/[>"].*/, "", name)
    if (system_header && name !~ /^mote\//) {
        if (name in intrinsics && index(intrinsics[name], " " from " ") == 0)
            complain("<" name "> belongs to" intrinsics[name])
        next
    }
    here = file; sub(/[^\/]*$/, "", here)
    target = ""
    n = split("include/" name " src/" name " " name " tools/" name " " here name, try, " ")
    for (i = 1; i <= n && target == ""; i++)
        if (try[i] in exists)
            target = try[i]
    if (target == "") { complain("\"" name "\" is no file of the tree"); next }
    to = folder_of(target)
    if (from == to)
        next
    if (from in only) {
        if (index(only[from], " " to " ") == 0 && to != "include")
            complain(from " may not include " target)
        else if (to == "include" && from == "include")
            next
    } else if (level[to] >= level[from])
        complain(from " (level " level[from] ") may not include " target " (" to ", level " level[to] ")")
}
END {
    if (bad)
        exit 1
}'
