#!/usr/bin/env bash
# tests/house/test_floors.sh ROOT -- a room includes itself, the floors below and public headers.
set -euo pipefail
source "$(dirname "$0")/house.sh"

# What a room may include beside gridcrunch/ (docs: the floors of the house).
declare -A below=(
    [base]="base"
    [grid]="grid base"
    [data]="data base"
    [kernels]="kernels base"
    [comm]="comm base"
    [backend]="backend base"
    [results]="results base grid data kernels comm backend"
    [array]="array base grid data kernels comm backend"
    [exec]="exec base grid data kernels comm backend results array"
    [cli]="cli base grid data kernels comm backend results array exec"
)

# judge FILE INCLUDED: prints why FILE may not include it, or nothing.
judge() {
    local file=$1 included=$2 room=${1#src/}
    room=${room%%/*}
    case "$included" in
    '<mpi.h>')
        [[ $file == src/comm/mpi/* ]] || echo "only the module src/comm/mpi knows MPI" ;;&
    '<cu'* | '<nccl'* | '<nvrtc'* | '<nvml'* | '<nvtx'* | '<nvToolsExt'*)
        [[ $file == cuda/* ]] || echo "only cuda/ knows CUDA" ;;&
    esac
    case "$file" in
    src/kernels/registry.[ch] | src/kernels/own/*) ;;
    src/kernels/*)
        [[ $included == '"gridcrunch/kernel.h"' ]] || echo "a kernel includes gridcrunch/kernel.h alone"
        return ;;
    esac
    case "$included" in
    '<'*'>' | '"gridcrunch/'*) return ;;
    GCR_KERNEL_FILE)
        [[ $file == src/backend/cpu/cpu_unit.c || $file == src/kernels/own/describing.c ||
            $file == cuda/device/device_unit.h ]] || echo "only the unit of a kernel includes its file"
        return ;;
    GCR_TEAM_HEADER)
        [[ $file == include/gridcrunch/kernel.h ]] || echo "only kernel.h asks who is in a team"
        return ;;
    GCR_MATRIX_HEADER)
        [[ $file == include/gridcrunch/kernel_matrix.h ]] ||
            echo "only kernel_matrix.h asks who has products and factors"
        return ;;
    GCR_DEVICE_TWIN)
        [[ $file == cuda/device/intrinsics.h ]] || echo "only the intrinsics have a twin"
        return ;;
    esac
    case "$file" in
    include/*) echo "a public header includes public headers" ;;
    cuda/*)
        [[ $included =~ ^\"(base/|backend/backend\.h\"|cuda/|[^/]*\"$) ]] ||
            echo "cuda/ includes base/ and backend/backend.h" ;;
    *)
        local target=${included#\"}
        [[ $target == */* ]] || { echo "write the room: \"$room/${target}"; return; }
        [[ " ${below[$room]-} " == *" ${target%%/*} "* ]] ||
            echo "$room may include: ${below[$room]-nothing, it is no room}" ;;
    esac
}

check_includes() {
    local line file included why
    code "$1/src" "$1/cuda" "$1/include" | grep -E ':[[:space:]]*#[[:space:]]*include\b' |
    while IFS= read -r line; do
        line=${line#"$1/"}
        file=${line%%:*}
        included=${line#*#*include}
        included=${included//[[:space:]]/}
        why=$(judge "$file" "$included")
        [ -z "$why" ] || echo "${line%%#*}includes $included: $why"
    done
}

# Above the seam nobody asks which device it has: one line of the registry names the backend.
check_word_cuda() {
    code "$1/src" | sed "s|^$1/||" | grep -w 'cuda' | awk '{
        if ($0 !~ /^src\/backend\/[a-z_]*registry\.c:/ || ++named > 1)
            print $0 ": the word cuda belongs into the registry of backends, once"
    }' || true
}

# Variables have one table, with their help.
check_environment() {
    strings=0 code "$1/src" "$1/cuda" | sed "s|^$1/||" | grep -wE '(secure_)?getenv' |
        grep -v '^src/base/env\.c:' | sed 's|$|: variables are asked of base/env.h|' || true
}

check() {
    check_includes "$1" || true # grep: no include at all
    check_word_cuda "$1"
    check_environment "$1"
}

must_find "base may include"    src/base/a.c         '#include "grid/axis.h"'
must_find "grid may include"    src/grid/a.c         '#include "data/source.h"'
must_find "backend may include" src/backend/cpu/a.c  '  #  include "kernels/registry.h"'
must_find "results may include" src/results/a.c      '#include "exec/run.h"'
must_find "exec may include"    src/exec/a.c         '#include "cli/screen.h"'
must_find "it is no room"       src/attic/a.c        '#include "base/text.h"'
must_find "write the room"      src/data/a.c         '#include "csv.h"'
must_find "kernel.h alone"      src/kernels/gp.c     '#include <math.h>'
must_find "kernel.h alone"      src/kernels/gp.c     '#include "base/text.h"'
must_find "unit of a kernel"    src/backend/b.c      '#include GCR_KERNEL_FILE'
must_find "intrinsics have"     cuda/device/a.h      '#include GCR_DEVICE_TWIN'
must_find "who is in a team"    src/exec/a.h         '#include GCR_TEAM_HEADER'
must_find "who has products"    src/exec/a.h         '#include GCR_MATRIX_HEADER'
must_find "knows MPI"           src/exec/a.c         '#include <mpi.h>'
must_find "knows MPI"           src/comm/a.c         '#include <mpi.h>'
must_find "knows CUDA"          src/backend/a.c      '#include <cuda_runtime.h>'
must_find "knows CUDA"          src/comm/a.c         '#include <nccl.h>'
must_find "cuda/ includes"      cuda/a.cu            '#include "exec/run.h"'
must_find "cuda/ includes"      cuda/a.cu            '#include "backend/cpu/cpu.h"'
must_find "public headers"      include/gridcrunch/a.h '#include "base/text.h"'
must_find "the word cuda"       src/exec/a.c         'if (strcmp(name, "cuda") == 0)'
must_find "the word cuda"       src/backend/registry.c 'a("cuda");
b("cuda");'
must_find "asked of base/env.h" src/cli/a.c          'if (getenv("HOME") != NULL)'
must_find "asked of base/env.h" cuda/a.c             'x = secure_getenv(name);'
must_find "kernels may include" src/kernels/own/a.c  '#include "backend/cpu/lanes.h"'
must_pass src/kernels/own/describing.c '#include GCR_KERNEL_FILE'
must_pass src/exec/a.c          '#include "results/slots.h" /* #include "cli/screen.h" */'
must_pass src/backend/cpu/cpu_unit.c '#include GCR_KERNEL_FILE'
must_pass cuda/device/intrinsics.h '#include GCR_DEVICE_TWIN'
must_pass src/comm/mpi/a.c      '#include <mpi.h>'
must_pass cuda/a.cu             '#include <cuda_runtime.h>'
must_pass src/backend/registry.c 'a("cuda");'
must_pass src/base/env.c        'return getenv(name);'
must_pass src/exec/a.c          '/* runs on cuda too */'
hold "$1"
