# What the scripts of this folder share; sourced by them.

# The newest version of glibc that anything installed may ask for: the wheel's tag and the Debian package promise it.
# Systems that have it have the libstdc++ of GCC 11 or later.
glibc_floor=2.34
glibcxx_floor=3.4.29

# Archives are as old as the commit they were made from, so that the same commit gives the same bytes.
project=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(
  git -C "$project" log -1 --format=%ct 2>/dev/null || stat -c %Y "$project/CHANGELOG.md"
)}
export SOURCE_DATE_EPOCH

fail() { # fail MESSAGE...
  printf '%s: %s\n' "$0" "$*" >&2
  exit 1
}

# The version of what is laid out below STAGE: what its program says.
staged_version() { # staged_version STAGE
  "$1/bin/mixcse" --version | awk 'NR == 1 { print $2 }'
}
