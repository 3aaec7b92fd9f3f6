#!/bin/sh
# Builds Tests/Fuzz with libFuzzer and AddressSanitizer, and runs it over the parsers of untrusted bytes.
#   fuzz.sh run SECONDS [PARSER...]    searches, each parser for so many seconds; prints a table
#   fuzz.sh keep [PARSER...]           takes the smallest inputs that cover as much into Tests/Fixtures/Corpus
# What a search found stays in .build-fuzz/corpus for the next one; inputs that break a parser are in
# .build-fuzz/found, and belong to Tests/Fixtures/Regressions once it is mended.
set -eu
cd "$(dirname "$0")/../.."
build=.build-fuzz
fixtures=Tests/Fixtures
program=$build/release/fuzz
all='h5 weights keras mat csv npz image idx json options answer'

# Bytes of one allocation and of the whole process, and seconds for one input, that are too many.
# A child process that reads for a trial and is stopped leaves its input in the folder too: where the search as a whole
# succeeds, its parent has said what is wrong, and nothing was found.
limits='-malloc_limit_mb=512 -rss_limit_mb=1024 -timeout=5 -max_len=34000'
export ASAN_OPTIONS=detect_leaks=0:handle_abort=1:quarantine_size_mb=8:malloc_context_size=8
export SWIFT_BACKTRACE=enable=no

compile() {
  resources=$(swiftc -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')
  library=$(find "$resources/clang/lib/" -name 'libclang_rt.fuzzer_no_main*.a' | head -n 1)
  [ -n "$library" ] || { echo "fuzz: no libFuzzer in the Swift toolchain at $resources" >&2; exit 1; }
  swift build -c release --product fuzz --scratch-path $build --sanitize=address \
    -Xcc -fsanitize=address -Xcc -fsanitize=fuzzer-no-link \
    -Xcc -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION \
    -Xswiftc -sanitize-coverage=edge,inline-8bit-counters,pc-table,trace-cmp \
    -Xlinker --undefined=LLVMFuzzerRunDriver -Xlinker "$library" -Xlinker -lstdc++ >&2
}

# The folders that a parser's inputs come from.
sources() {
  case $1 in
    h5) others='malformed dialects' ;;
    keras) others=archives ;;
    mat | idx) others=$1 ;;
    image) others='pictures pictures/broken' ;;
    *) others= ;;
  esac
  for folder in "Corpus/$1" "Regressions/$1" $others; do
    folder=$fixtures/$folder
    if [ -d "$folder" ]; then echo "$folder"; fi
  done
}

# One line of the table from libFuzzer's log $2.
row() {
  awk -v parser="$1" -v files="$(find $build/corpus/"$1" -type f | wc -l)" \
    -v found="$(find $build/found/"$1" -type f ! -name 'slow-*' 2>/dev/null | wc -l)" '
    match($0, /cov: [0-9]+/) { edges = substr($0, RSTART + 5, RLENGTH - 5) }
    match($0, /in [0-9]+ second/) { seconds = substr($0, RSTART + 3, RLENGTH - 10) }
    /number_of_executed_units/ { runs = $2 }
    /slowest_unit_time_sec/ { slowest = $2 }
    /peak_rss_mb/ { memory = $2 }
    END { printf "%-8s %8s %11s %7s %7s %8s %9s %8s\n", parser, seconds, runs, edges, files,
          found, slowest, memory }' "$2"
}

run() {
  seconds=$1
  shift
  printf '%-8s %8s %11s %7s %7s %8s %9s %8s\n' \
    parser seconds executions edges corpus failures slowest/s peak/MB
  status=0
  for parser in "$@"; do
    mkdir -p $build/corpus/"$parser" $build/found/"$parser" $build/logs
    log=$build/logs/$parser.log
    # The argument parser takes a second under AddressSanitizer for ten thousand short options in a row: no one writes them.
    longest=
    [ "$parser" != options ] || longest=-max_len=8000
    # shellcheck disable=SC2046,SC2086
    $program "$parser" $limits $longest -max_total_time="$seconds" -print_final_stats=1 \
      -artifact_prefix=$build/found/"$parser"/ $build/corpus/"$parser" $(sources "$parser") \
      >"$log" 2>&1 && rm -rf $build/found/"$parser" || {
        status=1
        failure=$(grep -m 1 -E 'ERROR|Fatal error' "$log" || true)
        echo "fuzz: $parser: ${failure:-it ended}; the input is in $build/found/$parser" >&2
      }
    row "$parser" "$log"
  done
  return $status
}

keep() {
  for parser in "$@"; do
    new=$build/kept/$parser
    rm -rf "$new"
    mkdir -p "$new" $build/corpus/"$parser" $build/logs
    # shellcheck disable=SC2046,SC2086
    $program "$parser" $limits -max_len=14000 -set_cover_merge=1 "$new" $build/corpus/"$parser" \
      $(sources "$parser") >$build/logs/"$parser".merge.log 2>&1
    rm -rf "$fixtures/Corpus/$parser"
    mkdir -p "$fixtures/Corpus/$parser"
    for file in "$new"/*; do
      cp "$file" "$fixtures/Corpus/$parser/$(basename "$file" | cut -c1-12)"
    done
    echo "$parser: $(find "$fixtures/Corpus/$parser" -type f | wc -l) files," \
      "$(du -sb "$fixtures/Corpus/$parser" | cut -f1) bytes"
  done
}

command=${1:-run}
[ $# -gt 0 ] && shift
case $command in
  run)
    seconds=${1:-60}
    [ $# -gt 0 ] && shift
    compile
    # shellcheck disable=SC2086
    run "$seconds" ${*:-$all}
    ;;
  keep)
    compile
    # shellcheck disable=SC2086
    keep ${*:-$all}
    ;;
  *)
    echo "fuzz.sh: run SECONDS [PARSER...] or keep [PARSER...], found '$command'" >&2
    exit 64
    ;;
esac
