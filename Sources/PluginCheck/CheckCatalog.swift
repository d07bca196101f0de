// The tests of `mixcse plugins check`: their ids, levels, and what each asks. The parent lists them, a child runs one.

import Host

/// What a test found.
package enum CheckOutcome: Sendable, Equatable {
  case passed
  case failed(String)
  /// The component has nothing this test is about.
  case skipped(String)
}

/// One test of the suite.
package struct ConformanceTest: Sendable {
  /// What a test is about; tests run in this order.
  package enum Level: String, Sendable, CaseIterable { case load, numbers, hostile, system }

  /// kebab-case, `group.name`.
  package let id: String
  /// Which of the four levels it belongs to.
  package let level: Level
  /// What a plugin has to do to pass.
  package let asks: String
  let body: @Sendable (ComponentBench) throws -> CheckOutcome

  init(
    _ id: String, _ level: Level, _ asks: String, _ body: @escaping @Sendable (ComponentBench) throws -> CheckOutcome
  ) {
    self.id = id
    self.level = level
    self.asks = asks
    self.body = body
  }

  /// Every test of a component, in the order they run.
  package static let all: [ConformanceTest] = loadTests + numberTests + poolingTests + hostileTests + systemTests

  /// Runs the test in this process; whatever the plugin does wrong is an outcome, unless it takes the process with it.
  package func run(on bench: ComponentBench) -> CheckOutcome {
    do {
      return try body(bench)
    } catch {
      return .failed("\(error)")
    }
  }
}

/// Fails with `problem` unless `condition` holds.
func expect(_ condition: Bool, _ problem: @autoclosure () -> String) throws {
  if !condition { throw CheckProblem(problem()) }
}
