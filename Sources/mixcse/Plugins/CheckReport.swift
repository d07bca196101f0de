// What `mixcse plugins check` says: every test with its outcome, as text and as JSON.

/// What the command prints.
struct CheckReport: Encodable {
  struct Test: Encodable {
    let component: String?
    let id: String
    let outcome: String
    let problem: String?
    let reproduce: String?
    let seconds: Double
  }

  let plugin: String
  let seed: UInt64
  var tests: [Test] = []
  var passed = 0
  var failed = 0
  var skipped = 0

  var text: String {
    var lines: [String] = []
    for test in tests where test.outcome == "failed" {
      lines.append("FAILED  \(test.id)\(test.component.map { "  (\($0))" } ?? "")")
      for line in (test.problem ?? "").split(separator: "\n") { lines.append("        \(line)") }
      if let reproduce = test.reproduce { lines.append("        again: \(reproduce)") }
    }
    let components = Set(tests.compactMap(\.component)).sorted().joined(separator: ", ")
    lines.append(
      "\(plugin): \(passed) passed, \(failed) failed, \(skipped) not applicable"
        + (components.isEmpty ? "" : " (\(components))"))
    return lines.joined(separator: "\n")
  }
}
