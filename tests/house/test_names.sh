#!/usr/bin/env bash
# tests/house/test_names.sh ROOT -- a file name is an address, and the library neither prints nor ends.
set -euo pipefail
source "$(dirname "$0")/house.sh"

# A log line says "csv.c:120": there must be one csv.c.
check_unique_names() {
    local name
    for name in $(find "$1"/src "$1"/cuda "$1"/include -type f -name '*.*' -printf '%f\n' 2> /dev/null |
                  sort | uniq -d); do
        echo "several files are called $name:" \
             $(cd "$1" && find src cuda include -name "$name" 2> /dev/null)
    done
}

# Outside the program's own floor nobody prints and nobody ends the process. assert may: it speaks
# of our own mistakes, and is not there in a release.
check_manners() {
    local never='(exit|_exit|_Exit|quick_exit|abort|printf|vprintf|puts|putchar|perror|psignal)'
    strings=0 code "$1/src" "$1/cuda" | sed "s|^$1/||" | grep -v '^src/cli/' |
        grep -E "(^|[^A-Za-z0-9_.>])$never[[:space:]]*\(|\<(stdout|stderr)\>" |
        sed 's/$/: the library does not print or exit/' || true
}

check() {
    check_unique_names "$1"
    check_manners "$1"
}

must_find "print or exit" src/data/a.c    'exit(1);'
must_find "print or exit" src/grid/a.c    'if (x) abort ();'
must_find "print or exit" src/exec/a.c    'printf("x");'
must_find "print or exit" src/exec/a.c    'fputs("x", stderr);'
must_find "print or exit" cuda/a.cu       'fprintf(stdout, "x");'
must_pass src/cli/a.c                     'printf("x"); exit(2);'
must_pass src/data/a.c                    'snprintf(out, 32, "exit(1)"); /* exit(1) */ on_exit(f);'

# must_find makes one file, and this rule needs two.
mkdir -p "$scratch/two/src/data" "$scratch/two/src/results" "$scratch/two/include/gridcrunch"
touch "$scratch"/two/src/{data,results}/layout.h "$scratch"/two/src/data/job.c \
      "$scratch"/two/include/gridcrunch/job.h
[ "$(check "$scratch/two" | wc -l)" = 1 ] || { echo "two files called layout.h are not found"; exit 1; }
hold "$1"
