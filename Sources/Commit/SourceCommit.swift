// The commit this program was built from. A module of its own that the command alone imports: only the command is
// compiled again when the commit changes.

/// Where the sources come from.
package enum SourceCommit {
  /// Twelve hexadecimal digits, `+changes` behind them where sources differed from the commit; `unknown` for sources
  /// outside of a git repository.
  package static let text = recordedCommit
}
