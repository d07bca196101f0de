// The one place that says which version this is. Read by the command, by what it records, and by the host's table for
// plugins.

/// The version of the program and of what built it.
package enum ProgramVersion {
  /// Major, minor, patch. A C string as well: plugins find it as `version` in `cse_host`.
  package static let text: StaticString = "0.1.0"

  /// The compiler this program was built with, as far as the source can tell.
  package static var compiler: String {
    #if compiler(>=6.4)
      "Swift 6.4 or later"
    #elseif compiler(>=6.3)
      "Swift 6.3"
    #else
      "Swift 6.2"
    #endif
  }
}
