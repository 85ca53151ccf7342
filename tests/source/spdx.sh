#!/bin/sh
# spdx.sh - every source file says what it is on its first line, and its license right after
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/../.."
bad=0
list=$(if [ -e .git ]; then git ls-files --cached --others --exclude-standard; else find . -path ./build -prune -o -type f -print | sed 's|^\./||'; fi)
for file in $list; do
    [ -f "$file" ] || continue
    case $file in
    *.c | *.h | *.inc | *.cpp)
        head -n 1 "$file" | grep -qF "/* $(basename "$file") - " || { echo "$file: the first line is not '/* $(basename "$file") - ...'"; bad=1; }
        head -n 2 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || { echo "$file: no SPDX line"; bad=1; }
        ;;
    *.sh | *.py | *.cmake | CMakeLists.txt | */CMakeLists.txt | run | src/LAYERS)
        head -n 4 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || { echo "$file: no SPDX line"; bad=1; }
        ;;
    esac
done
exit $bad
