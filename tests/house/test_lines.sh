#!/usr/bin/env bash
# tests/house/test_lines.sh ROOT -- no line has more than 100 columns: clang-format sees to code, this to comments.
set -euo pipefail
source "$(dirname "$0")/house.sh"

check() {
    find "$1"/src "$1"/include "$1"/cuda "$1"/bench -type f \( -name '*.[ch]' -o -name '*.cu' \) \
        -exec awk -v root="$1/" 'length($0) > 100 {
            print substr(FILENAME, length(root) + 1) ":" FNR ": " length($0) " columns"
        }' {} + 2>/dev/null || true
}

long=$(printf '%0101d' 0)
must_find "101 columns" src/a.c      "/* ${long:6} */"
must_find "columns"     include/a.h  "/* two lines
 * $long */"
must_find "columns"     cuda/a.cu    "int a; /* $long */"
must_pass src/a.c                    "/* ${long:7} */"
hold "$1"
