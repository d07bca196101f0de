// The parent of `plugins check`: it starts a child for each test and judges how it ended.

import Foundation
import Kernels
import PluginCheck

/// The parent.
struct CheckRun {
  let command: PluginsCheckCommand
  private let folder = FileManager.default.temporaryDirectory.path + "/mixcse-check-" + UUID().uuidString

  func run() throws -> CheckReport {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var report = CheckReport(plugin: command.name, seed: command.seed)
    // Loading comes first: without it there is nothing to test.
    let load = child(test: "load.library", component: nil)
    if command.wants("load.library") || load.test.outcome == "failed" { add(load.test, to: &report) }
    guard load.test.outcome == "passed" else { return report }
    for (id, _) in PluginsCheckCommand.loadIDs.dropFirst() where command.wants(id) {
      add(child(test: id, component: nil).test, to: &report)
    }
    let work = load.components.flatMap { component in
      ConformanceTest.all.filter { command.wants($0.id) }.map { (component, $0.id) }
    }
    let results = ResultTable(count: work.count)
    let queue = DispatchQueue(label: "check", attributes: .concurrent)
    let slots = DispatchSemaphore(value: command.jobs)
    let group = DispatchGroup()
    for (index, (component, id)) in work.enumerated() {
      slots.wait()
      queue.async(group: group) {
        results.put(index, child(test: id, component: component).test)
        slots.signal()
      }
    }
    group.wait()
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
    let base = folder + "/" + UUID().uuidString
    let start = ContinuousClock.now
    let target = component.map { $0 + "=" + test } ?? test
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = command.ownArguments + ["--child-test", target, "--child-report", base + ".json"]
    // A crash is expected here; the report of a backtracer would only cost time.
    process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
    for suffix in [".out", ".err"] { _ = FileManager.default.createFile(atPath: base + suffix, contents: nil) }
    process.standardOutput = FileHandle(forWritingAtPath: base + ".out") ?? FileHandle.nullDevice
    process.standardError = FileHandle(forWritingAtPath: base + ".err") ?? FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    var timedOut = false
    do {
      try process.run()
      while process.isRunning {
        usleep(2000)
        if ContinuousClock.now - start > .seconds(command.deadline) {
          timedOut = true
          kill(process.processIdentifier, SIGKILL)
          break
        }
      }
      process.waitUntilExit()
    } catch {
      return (
        result(test, component, "failed", "the child could not be started: \(error.localizedDescription)", start), []
      )
    }
    var found = (try? Data(contentsOf: URL(fileURLWithPath: base + ".json"))).flatMap {
      try? JSONDecoder().decode(ChildReport.self, from: $0)
    }
    let printed = text(base + ".out")
    if timedOut {
      found = ChildReport(outcome: "failed", problem: "it did not end within \(command.deadline) s")
    } else if process.terminationReason == .uncaughtSignal {
      let name = Self.signalName(process.terminationStatus)
      found = ChildReport(outcome: "failed", problem: "it died of \(name)\(Self.hint(test, process.terminationStatus))")
    } else if found == nil {
      let tail = text(base + ".err").suffix(400)
      found = ChildReport(
        outcome: "failed",
        problem: "it ended the process with code \(process.terminationStatus)\(tail.isEmpty ? "" : ": \(tail)")")
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
    // A path is narrowed to the component that failed; a name means one already.
    var arguments = ["mixcse"] + command.ownArguments
    if let component, command.name.hasSuffix(".so"), let place = arguments.firstIndex(of: command.name) {
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

  private static func signalName(_ signal: Int32) -> String {
    let names: [Int32: String] = [
      SIGSEGV: "SIGSEGV", SIGABRT: "SIGABRT", SIGILL: "SIGILL (a trap)", SIGFPE: "SIGFPE", SIGBUS: "SIGBUS",
      SIGKILL: "SIGKILL", SIGTRAP: "SIGTRAP (a trap)",
    ]
    return names[signal] ?? "signal \(signal)"
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
private final class ResultTable: @unchecked Sendable {
  private let lock = NSLock()
  private var results: [CheckReport.Test?]

  init(count: Int) { results = [CheckReport.Test?](repeating: nil, count: count) }

  func put(_ index: Int, _ test: CheckReport.Test) {
    lock.lock()
    defer { lock.unlock() }
    results[index] = test
  }

  var tests: [CheckReport.Test] { results.compactMap { $0 } }
}
