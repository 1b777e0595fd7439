#!/usr/bin/env bash
# tests/house/test_lines.sh ROOT -- no line has more than 100 columns: clang-format sees to code, this to comments.
set -euo pipefail
source "$(dirname "$0")/house.sh"

# But for tables that other programs have written (tests/reference).
check() {
    find "$1"/{src,include,cuda,bench,tests} -type f \( -name '*.[ch]' -o -name '*.cu' \) \
        ! -path "$1/tests/reference/*" \
        -exec awk -v root="$1/" 'length($0) > 100 {
            print substr(FILENAME, length(root) + 1) ":" FNR ": " length($0) " columns"
        }' {} + 2>/dev/null || true
}

long=$(printf '%0101d' 0)
must_find "101 columns" src/a.c      "/* ${long:6} */"
must_find "columns"     include/a.h  "/* two lines
 * $long */"
must_find "columns"     cuda/a.cu    "int a; /* $long */"
must_find "columns"     tests/a.c    "int a; /* $long */"
must_pass src/a.c                    "/* ${long:7} */"
must_pass tests/reference/a.h        "/* $long */"
hold "$1"
