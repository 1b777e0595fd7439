#!/usr/bin/env bash
# tests/house/test_comments.sh ROOT -- comments have no more columns than code, which clang-format sees to.
set -euo pipefail
source "$(dirname "$0")/house.sh"

check() {
    find "$1"/src "$1"/include "$1"/cuda "$1"/bench -type f \
         \( -name '*.[ch]' -o -name '*.cu' \) -exec awk -v root="$1/" '
        FNR == 1 { inside = 0 }
        {
            has_comment = inside
            line = $0
            while (line != "") {
                if (inside) {
                    end = index(line, "*/")
                    line = end ? substr(line, end + 2) : ""
                    inside = !end
                } else if (match(line, /"(\\.|[^"\\])*"|\047(\\.|[^\047\\])*\047|\/\*|\/\//)) {
                    token = substr(line, RSTART, RLENGTH)
                    line = token == "//" ? "" : substr(line, RSTART + RLENGTH)
                    inside = token == "/*"
                    has_comment = has_comment || inside || token == "//"
                } else {
                    line = ""
                }
            }
            if (has_comment && length($0) > 100)
                print substr(FILENAME, length(root) + 1) ":" FNR ": " length($0) " columns"
        }' {} + 2> /dev/null || true
}

long=$(printf '%0101d' 0)
must_find "101 columns" src/a.c      "/* ${long:6} */"
must_find "columns"     include/a.h  "/* two lines
 * $long */"
must_find "columns"     cuda/a.cu    "int a; /* $long */"
must_pass src/a.c                    "/* ${long:7} */"
must_pass src/a.c                    "const char *a = \"/*$long\";"
hold "$1"
