// `mixcse plugins check`: the conformance suite. This process loads no plugin: each test runs in a child with a
// deadline.

import ArgumentParser
import Host
import PluginCheck

struct PluginsCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Tests a plugin: gradients, purity, memory, odd shapes, hostile numbers, threads.",
    discussion: """
      Each test runs in a process of its own, so that a crash or a hang is a failed test. Every failure comes with the \
      command that repeats it. Ends with 0 when all tests pass, with 1 when one fails.
      """)

  @OptionGroup var plugins: PluginOptions
  @Argument(
    help: ArgumentHelp(
      "A library (./lib.so, ./lib.so:name) or a component, with values for its parameters.",
      valueName: "file|name[:param=value,...]"), completion: .everything)
  var target: String?
  @Option(
    help: ArgumentHelp("Runs only these tests (an id, or a group such as grad); may be repeated.", valueName: "id"))
  var only: [String] = []
  @Option(help: "Seed of all numbers the plugin is given.") var seed: UInt64 = 1
  @Option(help: ArgumentHelp("Seconds a test may take.", valueName: "seconds")) var deadline = 20.0
  @Option(help: ArgumentHelp("Tests that run at once.", valueName: "n")) var jobs = 2
  @Flag(help: "Print one JSON document.") var json = false
  @Flag(help: "Print the ids of all tests and what each asks for.") var listTests = false
  @Option(help: .hidden) var childTest: String?
  @Option(help: .hidden) var childReport: String?

  /// What is checked, as typed, and without the values of parameters.
  var text: String { target ?? "" }
  var name: String { spec?.name ?? text }
  /// The values.
  var settings: [(String, String)] { spec?.settings ?? [] }
  private var spec: ComponentSpec? { try? SpecParser.component(text) }

  func validate() throws {
    guard target != nil || listTests else {
      throw ValidationError("name a library (./lib.so) or a component to check, or give --list-tests")
    }
    guard deadline > 0, deadline.isFinite, jobs >= 1 else {
      throw ValidationError("--deadline: expected seconds above 0; --jobs: a number of at least 1")
    }
    let known = Self.loadIDs.map(\.id) + ConformanceTest.all.map(\.id)
    for wanted in only where !known.contains(where: { $0 == wanted || $0.hasPrefix(wanted + ".") }) {
      let near = didYouMean(nearestNames(to: wanted, among: known))
      throw ValidationError("--only \(wanted): no test is called so\(near); --list-tests shows them all")
    }
  }

  /// The tests of loading; their child reports what there is to test.
  static let loadIDs: [(id: String, asks: String)] = [
    ("load.library", "the file passes the pre-flight, loads with all symbols bound, and describes itself twice alike"),
    ("load.fast", "loading takes less than half a second, in one of three times"),
    ("load.new-host", "a newer host, of minor version 99 and with a bigger table, gets the same components"),
    ("load.no-side-effects", "loading starts no threads and leaves files, signals, locale and rounding alone"),
  ]

  func run() throws {
    if listTests {
      let rows =
        Self.loadIDs.map { [$0.id, "load", $0.asks] } + ConformanceTest.all.map { [$0.id, $0.level.rawValue, $0.asks] }
      return try printText(textTable(rows))
    }
    if let childTest, let childReport {
      return try PluginCheckChild(command: self).run(childTest, report: childReport)
    }
    let report = try CheckRun(command: self).run()
    if json { try printJSON(report) } else { try printText(report.text) }
    if report.failed > 0 { throw ExitCode(1) }
  }

  /// Whether --only asks for this test.
  func wants(_ id: String) -> Bool { only.isEmpty || only.contains { $0 == id || id.hasPrefix($0 + ".") } }

  /// The arguments that make this program check the same plugin again.
  var ownArguments: [String] {
    var arguments = ["plugins", "check", text, "--seed", "\(seed)"]
    for path in plugins.pluginPaths { arguments += ["--plugin-path", path] }
    for renamed in plugins.renamed { arguments += ["--plugin-as", renamed] }
    if plugins.allowInsecure { arguments.append("--allow-insecure-plugin") }
    return arguments
  }
}
