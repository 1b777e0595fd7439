#!/usr/bin/env bash
# tests/house/test_headers.sh ROOT -- each public header compiles alone, as C17 and as C++20.
set -euo pipefail
source "$(dirname "$0")/house.sh"

strict="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -fsyntax-only"

# compiles LANGUAGE ROOT HEADER COMPILER...: prints the first complaint. Twice: the guard counts.
compiles() {
    local language=$1 root=$2 header=$3
    shift 3
    printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
        "$@" $strict -x "$language" -I "$root/include" - 2>&1 |
        grep -m 1 -E 'error|fatal' | sed "s|^|$header as $language: |" || true
}

# kernel_math.h, kernel_random.h and others are chapters of kernel.h and say so.
check() {
    local path header kernel
    for path in "$1"/include/gridcrunch/*.h; do
        header=${path#"$1/include/"}
        grep -q 'Part of kernel\.h' "$path" && continue
        kernel= # what kernels include is compiled as they are; programs need not define anything
        case $header in gridcrunch/kernel.h | gridcrunch/recipe.h | gridcrunch/unit.h | gridcrunch/unit_tile.h) kernel=-D_GNU_SOURCE ;; esac
        compiles c "$1" "$header" "${CC:-cc}" -std=c17 $kernel
        if command -v "${CXX:-c++}" > /dev/null; then
            compiles c++ "$1" "$header" "${CXX:-c++}" -std=c++20 $kernel
        fi
    done
}

must_find "as c:" include/gridcrunch/a.h 'typedef gcr_unknown gcr_a;'
must_find "as c:" include/gridcrunch/a.h 'typedef struct a { int a; } a; struct a { int a; };'
if command -v "${CXX:-c++}" > /dev/null; then
    must_find "as c++:" include/gridcrunch/a.h 'extern int class;'
fi
must_pass include/gridcrunch/a.h 'extern int gcr_a;'
hold "$1"
