# tests/house/house.sh -- what the tests of the house share. Sourced, not run.
#
# A test of the house is a function `check ROOT` that prints one line per broken rule. `hold ROOT`
# runs it on this tree; before that the test has shown with `must_find` that it can fail, on a tree
# of its own.

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The C files under FOLDERS as PATH:LINE:CODE, without comments. `strings=0` in front: and without
# what stands in quotes.
code() {
    local folder files=()
    for folder in "$@"; do
        [ -d "$folder" ] || continue
        mapfile -t -O "${#files[@]}" files < <(find "$folder" -type f -name '*.[ch]' -o -name '*.cu')
    done
    [ ${#files[@]} -gt 0 ] || return 0
    awk -v strings="${strings:-1}" '
        FNR == 1 { inside = 0 }
        {
            line = $0; out = ""
            while (line != "") {
                if (inside) {
                    end = index(line, "*/")
                    line = end ? substr(line, end + 2) : ""
                    inside = !end
                } else if (match(line, /"(\\.|[^"\\])*"|\047(\\.|[^\047\\])*\047|\/\*|\/\//)) {
                    token = substr(line, RSTART, RLENGTH)
                    out = out substr(line, 1, RSTART - 1)
                    line = token == "//" ? "" : substr(line, RSTART + RLENGTH)
                    inside = token == "/*"
                    if (token != "/*" && token != "//")
                        out = out (strings ? token : "\"\"")
                } else {
                    out = out line; line = ""
                }
            }
            if (out ~ /[^ \t]/)
                print FILENAME ":" FNR ":" out
        }' "${files[@]}"
}

# must_find TEXT FILE CONTENT: in a tree that holds only FILE, `check` finds a line with TEXT.
must_find() {
    local tree="$scratch/tree" found
    rm -rf "$tree"
    mkdir -p "$tree/$(dirname "$2")"
    printf '%s\n' "$3" > "$tree/$2"
    found=$(check "$tree")
    if [[ "$found" != *"$1"* ]]; then
        echo "the test cannot fail: '$1' is not found in $2: $3"
        echo "it found: $found"
        exit 1
    fi
}

# must_pass FILE CONTENT: in a tree that holds only FILE, `check` finds nothing.
must_pass() {
    local tree="$scratch/tree" found
    rm -rf "$tree"
    mkdir -p "$tree/$(dirname "$1")"
    printf '%s\n' "$2" > "$tree/$1"
    found=$(check "$tree")
    if [ -n "$found" ]; then
        echo "the test is too strict: it found in $1: $found"
        exit 1
    fi
}

# The rule holds in ROOT, or the test fails with what breaks it.
hold() {
    local found
    found=$(check "$1")
    [ -z "$found" ] && return
    echo "$found"
    exit 1
}
