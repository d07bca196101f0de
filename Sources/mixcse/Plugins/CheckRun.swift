// The parent of `plugins check`: it starts a child for each test and judges how it ended.

import Files
import FoundationEssentials
import Glibc
import Host
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
      guard !load.isApart else {
        add(result(id, nil, "skipped", "it is loaded in a process of its own", .now), to: &report)
        continue
      }
      var test = child(test: id, component: nil).test
      // A busy machine is slow, and so is the first time that libraries are read; a slow plugin is slow each time.
      for _ in 0..<2 where id == "load.fast" && test.outcome == "failed" {
        test = child(test: id, component: nil).test
      }
      add(test, to: &report)
    }
    var usable: [String] = []
    for component in load.components {
      let plan = child(test: ConformanceTest.plan, component: component).test
      if plan.outcome != "failed" { usable.append(component) }
      if command.wants(ConformanceTest.plan) || plan.outcome == "failed" { add(plan, to: &report) }
    }
    let ids = ConformanceTest.all.map(\.id).filter { command.wants($0) && $0 != ConformanceTest.plan }
    // What runs in a process of its own harms no other test, and to start that process for each would take minutes.
    let work = usable.flatMap { component in
      load.isApart ? [(component, ids)] : ids.map { (component, [$0]) }
    }
    let results = ResultTable(count: work.count)
    let next = Atomic<Int>(0)
    onThreads(min(command.jobs, work.count)) {
      while case let index = next.add(1, ordering: .relaxed).oldValue, index < work.count {
        let (component, ids) = work[index]
        results.put(index, load.isApart ? together(ids, component) : [child(test: ids[0], component: component).test])
      }
    }
    for test in results.tests { add(test, to: &report) }
    return report
  }

  /// Runs tests of a component in one child; where it ends early, the rest in another one.
  private func together(_ ids: [String], _ component: String) -> [CheckReport.Test] {
    var tests: [CheckReport.Test] = []
    while case let rest = Array(ids.dropFirst(tests.count)), !rest.isEmpty {
      let start = ContinuousClock.now
      let base = folder.path + "/" + UUID().uuidString
      let end = startChild(
        component + "=" + rest.joined(separator: ","), base: base, deadline: command.deadline * Double(rest.count + 1))
      let written = text(base + ".json")
      let lines = rest.count == 1 ? [written] : written.split(separator: "\n").map(String.init)
      let found = lines.compactMap { try? JSONDecoder().decode(ChildReport.self, from: Data($0.utf8)) }
      for (id, one) in zip(rest, found) { tests.append(result(id, component, one.outcome, one.problem, start)) }
      if found.count < rest.count {
        let problem = ended(end, rest[found.count], errors: text(base + ".err"))
        tests.append(result(rest[found.count], component, "failed", problem, start))
      }
      remove(base)
    }
    return tests
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
  private func child(
    test: String, component: String?
  ) -> (test: CheckReport.Test, components: [String], isApart: Bool) {
    let base = folder.path + "/" + UUID().uuidString
    let start = ContinuousClock.now
    let end = startChild(component.map { $0 + "=" + test } ?? test, base: base, deadline: command.deadline)
    var found = (try? Data(contentsOf: URL(fileURLWithPath: base + ".json"))).flatMap {
      try? JSONDecoder().decode(ChildReport.self, from: $0)
    }
    let printed = text(base + ".out")
    if found == nil || end.process == .overran || end.process?.signal != nil {
      found = ChildReport(outcome: "failed", problem: ended(end, test, errors: text(base + ".err")))
    } else if !printed.isEmpty, found?.outcome != "failed" {
      found = ChildReport(outcome: "failed", problem: "it wrote to standard output: \(printed.prefix(80))")
    }
    remove(base)
    return (
      result(test, component, found?.outcome ?? "failed", found?.problem, start), found?.components ?? [],
      found?.isApart ?? false
    )
  }

  /// How a child ended.
  private struct ChildEnd {
    var process: ProcessEnd?
    /// Why it was not even started.
    var failure: String?
  }

  private func startChild(_ target: String, base: String, deadline: Double) -> ChildEnd {
    var settings = ChildSettings(
      name: "mixcse",
      command.ownArguments + [
        "--child-test", target, "--child-report", base + ".json", "--plugin-deadline", "\(command.deadline)",
      ])
    settings.variables = Environment.withoutBacktrace()
    settings.streams = [.nothing, .appended(to: base + ".out"), .appended(to: base + ".err")]
    settings.deadline = deadline
    do {
      return ChildEnd(process: try ChildProcess(settings).wait())
    } catch {
      return ChildEnd(failure: "the child could not be started: \(error)")
    }
  }

  /// What is wrong with a child that ended without a report.
  private func ended(_ end: ChildEnd, _ test: String, errors: String) -> String {
    if let failure = end.failure { return failure }
    switch end.process {
    case .overran: return "it did not end within \(command.deadline) s"
    case .signalled(let signal): return "it died of \(SignalName.short(signal))\(Self.hint(test, signal))"
    case .exited(let code):
      let tail = errors.suffix(400)
      return "it ended the process with code \(code)\(tail.isEmpty ? "" : ": \(tail)")"
    case nil: return "it did not end"
    }
  }

  private func remove(_ base: String) {
    for suffix in [".json", ".out", ".err"] { try? FileManager.default.removeItem(atPath: base + suffix) }
  }

  private func result(
    _ id: String, _ component: String?, _ outcome: String, _ problem: String?, _ start: ContinuousClock.Instant
  ) -> CheckReport.Test {
    // A path is narrowed to the component that failed; a name means one already, and so do values.
    var arguments = ["mixcse"] + command.ownArguments
    if let component, isPluginFileName(command.text), let place = arguments.firstIndex(of: command.text) {
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
  private let results: Mutex<[[CheckReport.Test]]>

  init(count: Int) { results = Mutex([[CheckReport.Test]](repeating: [], count: count)) }

  func put(_ index: Int, _ tests: [CheckReport.Test]) { results.withLock { $0[index] = tests } }

  var tests: [CheckReport.Test] { results.withLock { $0.flatMap { $0 } } }
}
