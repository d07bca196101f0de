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
  ///
  /// What spoils others comes first: a plan that cannot be used, then bytes outside of buffers and of scratch that was
  /// never written, then what changes from call to call. So the first failure that is shown is the cause.
  package static let all: [ConformanceTest] = {
    let inFiles = loadTests + claimTests + numberTests + gradientTests + poolingTests + hostileTests + systemTests
    func rank(_ test: ConformanceTest) -> Int {
      causes.firstIndex { test.id.hasPrefix($0) } ?? causes.count
    }
    let order = Level.allCases
    return inFiles.enumerated().sorted { a, b in
      let keys = [a, b].map { (rank($0.element), order.firstIndex(of: $0.element.level) ?? 0, $0.offset) }
      return keys[0] < keys[1]
    }.map(\.element)
  }()

  /// Without it nothing else of a component can be tested.
  package static let plan = "plan.accepted"
  private static let causes = [
    plan, "abi.", "mem.guard-", "input.readonly", "det.chunks", "mem.scratch-poison", "mem.outputs-written", "pure.",
    "det.", "finite.normal",
  ]

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
