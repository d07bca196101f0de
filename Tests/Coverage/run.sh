#!/usr/bin/env bash
# Runs the tests in a build that counts (all, or those that match FILTER) and prints the share of lines of each module
# and of all. Counters of child processes and of plugin libraries are in the same profile, so the command, its libraries
# and the test bundle are read together.
set -euo pipefail
cd "$(dirname "$0")/../.."
scratch=.build/coverage
filter=()
[ -z "${FILTER:-}" ] || filter=(--filter "$FILTER")

# Optimised, as for all tests: the counters are placed before anything is optimised away.
swift build --build-tests -c release --scratch-path "$scratch" --enable-code-coverage

# Every process writes its own counters. They are put together here and not by swift test, which refuses all of them
# where one is broken: tests kill processes, also while those write.
counters=$PWD/$scratch/counters
rm -rf "$counters"
mkdir -p "$counters"
LLVM_PROFILE_FILE="$counters/%p-%m.profraw" \
  swift test -c release --disable-testable-imports --scratch-path "$scratch" --skip-build "${filter[@]}"

products=$(swift build -c release --scratch-path "$scratch" --show-bin-path)
# The system's llvm-cov may be older than the format of the profile: the toolchain's own lies beside its swift.
tools=$(dirname "$(readlink -f "$(command -v swift)")")
profile=$scratch/tests.profdata
find "$counters" -name '*.profraw' -size +0 >"$scratch/counters.txt"
"$tools/llvm-profdata" merge -sparse --failure-mode=all --input-files="$scratch/counters.txt" -o "$profile"
objects=(-object "$products/mixcse")
for library in "$products"/lib*.so; do objects+=(-object "$library"); done

"$tools/llvm-cov" export -summary-only "$products/MixCSEPackageTests.xctest" "${objects[@]}" \
  -instr-profile "$profile" Sources Plugins 2>/dev/null |
  python3 Tests/Coverage/summary.py
