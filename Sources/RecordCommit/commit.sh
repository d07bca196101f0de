# commit.sh PACKAGE OUTPUT   writes OUTPUT/RecordedCommit.swift with the commit of PACKAGE, unless it holds it already
commit=unknown
# A copy of the sources inside of another repository has no commit of its own.
if [ "$(git -C "$1" rev-parse --show-toplevel 2>/dev/null)" = "$(cd "$1" && pwd -P)" ]; then
  commit=$(git -C "$1" rev-parse --short=12 HEAD 2>/dev/null) || commit=unknown
  git -C "$1" diff --quiet HEAD -- Sources Plugins Package.swift 2>/dev/null || commit=$commit+changes
fi
text="let recordedCommit = \"$commit\""
[ "$(cat "$2/RecordedCommit.swift" 2>/dev/null)" = "$text" ] || printf '%s\n' "$text" >"$2/RecordedCommit.swift"
