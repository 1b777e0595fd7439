#!/usr/bin/env bash
# tests/house/test_format.sh ROOT -- every tracked C source is as clang-format would write it.
set -euo pipefail
source "$(dirname "$0")/house.sh"

# Versions differ in taste; the .clang-format of the tree is for the one of Debian 12.
if ! clang-format --version 2> /dev/null | grep -q 'version 14\.'; then
    echo "there is no clang-format 14 here"
    exit 77
fi

sources() {
    git -C "$1" ls-files '*.c' '*.h' '*.cu' 2> /dev/null ||
        (cd "$1" && find . -path ./build -prune -o -type f \( -name '*.[ch]' -o -name '*.cu' \) -print)
}

# The first difference of each file. A file that git knows may be gone from the tree.
check() {
    sources "$1" | (cd "$1" && while IFS= read -r file; do
        [ ! -f "$file" ] || printf '%s\0' "$file"
    done | xargs -0 -r clang-format --style="file:$style" --dry-run --Werror 2>&1) |
        grep 'error:' | sort -t: -k1,1 -u || true
}

style=$(cd "$1" && pwd)/.clang-format
must_find "error:" src/a.c 'int  a ;'
must_pass src/a.c 'int a;'
hold "$1"
