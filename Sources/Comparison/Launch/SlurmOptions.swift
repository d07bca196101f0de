// `--sbatch "--partition=cpu --time=4:00:00"`: options of sbatch, each on a line of the array's script.

/// Options for sbatch, as a user typed them.
package struct SlurmOptions: Equatable {
  /// One option each, with its value: `--time=4:00:00`, `-p cpu`.
  package let lines: [String]

  /// What the array decides itself, and what becomes of it.
  private static let own = [
    (["--array", "-a"], "the runs of the comparison are the array; --jobs N lets N of them run at a time"),
    (["--wrap"], "each task runs its line of the comparison's script"),
    (["--wait", "-W"], "the same command again shows how far it is"),
    (["--test-only"], "--dry-run says what would be run"),
  ]

  /// - Parameter threads: that `--threads` asks for.
  /// - Throws: `ComparisonError.usage` for what is no option, or one that the array decides itself.
  package init(parsing texts: [String], threads: Int? = nil) throws {
    var lines: [String] = []
    for text in texts {
      func refusal(_ expected: String, _ found: String, _ advice: String) -> ComparisonError {
        .usage(place: "--sbatch '\(text)'", expected: expected, found: found, advice: advice)
      }
      let example = "For example --sbatch '--partition=cpu --time=4:00:00'"
      guard let words = ShellWords.split(text) else { throw refusal("closed quotes", "one that is open", example) }
      guard !words.isEmpty else { throw refusal("options of sbatch", "none", example) }
      guard !words.contains(where: { $0.contains("\n") }) else {
        throw refusal("options on one line", "a line break", example)
      }
      var takesValue = false
      for word in words {
        if word.hasPrefix("-"), word.count > 1 {
          let name = word.hasPrefix("--") ? String(word.prefix { $0 != "=" }) : String(word.prefix(2))
          if let reason = Self.own.first(where: { $0.0.contains(name) })?.1 {
            throw refusal("options beside the array's own", name, "Leave it out: \(reason)")
          }
          if threads != nil, ["--cpus-per-task", "-c"].contains(name) {
            throw refusal("one of --threads and \(name)", "both", "--threads N asks for N processors a task")
          }
          lines.append(ShellWords.join([word]))
          takesValue = !word.contains("=") && (word.hasPrefix("--") || word.count == 2)
        } else if takesValue, let last = lines.popLast() {
          lines.append(last + " " + ShellWords.join([word]))
          takesValue = false
        } else {
          throw refusal("options, which begin with -", "'\(word)'", example)
        }
      }
    }
    self.lines = lines
  }
}
