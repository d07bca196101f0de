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
swift test -c release --disable-testable-imports --scratch-path "$scratch" --enable-code-coverage "${filter[@]}"

products=$(swift build -c release --scratch-path "$scratch" --show-bin-path)
# The system's llvm-cov may be older than the format of the profile: the toolchain's own lies beside its swift.
tools=$(dirname "$(readlink -f "$(command -v swift)")")
objects=(-object "$products/mixcse")
for library in MixCSELoss SimCSELoss Poolers; do objects+=(-object "$products/lib$library.so"); done

"$tools/llvm-cov" export -summary-only "$products/MixCSEPackageTests.xctest" "${objects[@]}" \
  -instr-profile "$products/codecov/default.profdata" Sources Plugins 2>/dev/null |
  python3 Tests/Coverage/summary.py
