// The parent of `plugins check`: it starts a child for each test and judges how it ended.

import Files
import FoundationEssentials
import Glibc
import Kernels
import PluginCheck
import Processes
import Synchronization

/// The parent.
struct CheckRun {
  let command: PluginsCheckCommand
  private let folder: ScratchFolder

  /// - Throws: `FileError.cannotWrite` where no temporary folder can be made.
  init(command: PluginsCheckCommand) throws {
    self.command = command
    folder = try ScratchFolder()
  }

  func run() throws -> CheckReport {
    var report = CheckReport(plugin: command.text, seed: command.seed)
    // Loading comes first: without it there is nothing to test.
    let load = child(test: "load.library", component: nil)
    if command.wants("load.library") || load.test.outcome == "failed" { add(load.test, to: &report) }
    guard load.test.outcome == "passed" else { return report }
    for (id, _) in PluginsCheckCommand.loadIDs.dropFirst() where command.wants(id) {
      add(child(test: id, component: nil).test, to: &report)
    }
    var usable: [String] = []
    for component in load.components {
      let plan = child(test: ConformanceTest.plan, component: component).test
      if plan.outcome != "failed" { usable.append(component) }
      if command.wants(ConformanceTest.plan) || plan.outcome == "failed" { add(plan, to: &report) }
    }
    let work = usable.flatMap { component in
      ConformanceTest.all.filter { command.wants($0.id) && $0.id != ConformanceTest.plan }.map { (component, $0.id) }
    }
    let results = ResultTable(count: work.count)
    let next = Atomic<Int>(0)
    onThreads(min(command.jobs, work.count)) {
      while case let index = next.add(1, ordering: .relaxed).oldValue, index < work.count {
        let (component, id) = work[index]
        results.put(index, child(test: id, component: component).test)
      }
    }
    for test in results.tests { add(test, to: &report) }
    return report
  }

  private func add(_ test: CheckReport.Test, to report: inout CheckReport) {
    report.tests.append(test)
    switch test.outcome {
    case "passed": report.passed += 1
    case "failed": report.failed += 1
    default: report.skipped += 1
    }
  }

  /// Runs one test in a child and says how that went.
  private func child(test: String, component: String?) -> (test: CheckReport.Test, components: [String]) {
    let base = folder.path + "/" + UUID().uuidString
    let start = ContinuousClock.now
    let target = component.map { $0 + "=" + test } ?? test
    var settings = ChildSettings(
      name: "mixcse", command.ownArguments + ["--child-test", target, "--child-report", base + ".json"])
    settings.variables = Environment.withoutBacktrace()
    settings.streams = [.nothing, .appended(to: base + ".out"), .appended(to: base + ".err")]
    settings.deadline = command.deadline
    let end: ProcessEnd?
    do {
      end = try ChildProcess(settings).wait()
    } catch {
      return (result(test, component, "failed", "the child could not be started: \(error)", start), [])
    }
    var found = (try? Data(contentsOf: URL(fileURLWithPath: base + ".json"))).flatMap {
      try? JSONDecoder().decode(ChildReport.self, from: $0)
    }
    let printed = text(base + ".out")
    if end == .overran {
      found = ChildReport(outcome: "failed", problem: "it did not end within \(command.deadline) s")
    } else if let signal = end?.signal {
      found = ChildReport(
        outcome: "failed", problem: "it died of \(SignalName.short(signal))\(Self.hint(test, signal))")
    } else if found == nil, case .exited(let code)? = end {
      let tail = text(base + ".err").suffix(400)
      found = ChildReport(
        outcome: "failed", problem: "it ended the process with code \(code)\(tail.isEmpty ? "" : ": \(tail)")")
    } else if !printed.isEmpty, found?.outcome != "failed" {
      found = ChildReport(outcome: "failed", problem: "it wrote to standard output: \(printed.prefix(80))")
    }
    for suffix in [".json", ".out", ".err"] { try? FileManager.default.removeItem(atPath: base + suffix) }
    return (
      result(test, component, found?.outcome ?? "failed", found?.problem, start), found?.components ?? []
    )
  }

  private func result(
    _ id: String, _ component: String?, _ outcome: String, _ problem: String?, _ start: ContinuousClock.Instant
  ) -> CheckReport.Test {
    // A path is narrowed to the component that failed; a name means one already, and so do values.
    var arguments = ["mixcse"] + command.ownArguments
    if let component, command.text.hasSuffix(".so"), let place = arguments.firstIndex(of: command.text) {
      arguments[place] += ":" + (component.split(separator: ".").last.map(String.init) ?? component)
    }
    let again = (arguments + ["--only", id]).joined(separator: " ")
    return CheckReport.Test(
      component: component, id: id, outcome: outcome, problem: problem, reproduce: outcome == "failed" ? again : nil,
      seconds: (ContinuousClock.now - start).seconds)
  }

  private func text(_ path: String) -> String {
    String(decoding: (try? Data(contentsOf: URL(fileURLWithPath: path))) ?? Data(), as: UTF8.self)
  }

  private static func hint(_ test: String, _ signal: Int32) -> String {
    guard signal == SIGSEGV || signal == SIGBUS else { return "" }
    switch test {
    case "input.readonly": return ": it wrote to an input, which is read-only here"
    case "abi.old-host": return ": it read behind struct_size, or outside of a buffer"
    case _ where test.hasPrefix("mem.") || test.hasPrefix("shape."):
      return ": it touched a page beside a buffer, which is out of bounds"
    default: return ""
    }
  }
}

/// Results by position, from several threads.
private final class ResultTable: Sendable {
  private let results: Mutex<[CheckReport.Test?]>

  init(count: Int) { results = Mutex([CheckReport.Test?](repeating: nil, count: count)) }

  func put(_ index: Int, _ test: CheckReport.Test) { results.withLock { $0[index] = test } }

  var tests: [CheckReport.Test] { results.withLock { $0.compactMap { $0 } } }
}
