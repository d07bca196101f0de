// Level 1: what can be said before any number is computed. Loading itself is the parent's first test.

import Glibc
import Host
import PluginAPI

extension ConformanceTest {
  /// More than this for six rows of ten numbers is a slip in the plan.
  private static let largestPlan = 1 << 30

  static let loadTests: [ConformanceTest] = [
    ConformanceTest(plan, .load, "its plan can be used, and asks for memory that is in proportion") { bench in
      guard bench.isStrategy else { return .skipped("it is not run") }
      let instance = try bench.instance()
      let limits = ComponentBench.limits(RigShape())
      try instance.prepare(limits)
      let bytes = instance.plan.memory(limits)
      try expect(
        bytes <= largestPlan,
        "its plan asks for \(bytes >> 20) MiB with \(limits.maxRows) rows of \(limits.width) numbers: is a number of "
          + "columns wrong?")
      return .passed
    },
    ConformanceTest("desc.texts", .load, "a summary, and a text or a telling name for each parameter") { bench in
      try expect(!bench.component.summary.isEmpty, "the component has no doc; its first line is the summary users see")
      return .passed
    },
    ConformanceTest("instance.create-destroy", .load, "instances come and go without a trace in threads and files") {
      bench in
      let before = ProcessTraces()
      for _ in 0..<3 where bench.isStrategy { try bench.once(try bench.rig()) }
      try before.compare("three instances")
      return .passed
    },
    ConformanceTest("instance.no-stdout", .load, "nothing is written to standard output") { bench in
      guard bench.isStrategy else { return .skipped("it is not run") }
      // The parent reads standard output; here it only has to have had the chance.
      try bench.once(try bench.rig())
      fflush(nil)
      return .passed
    },
    ConformanceTest("abi.old-host", .load, "no byte is read behind struct_size") { bench in
      guard bench.isStrategy else { return .skipped("it is not run") }
      try bench.once(try bench.rig())
      return .passed
    },
    ConformanceTest(
      "abi.new-host", .load, "every struct of a newer host, call, plan and services too, is accepted, its tail ignored"
    ) {
      bench in
      guard bench.isStrategy else { return .skipped("it is not run") }
      let old = try bench.rig()
      let value = try bench.once(old)
      let new = try bench.rig(RigShape(isNewer: true))
      let other = try bench.once(new)
      try expect(old.snapshot(value) == new.snapshot(other), "a newer host's structs change what it computes")
      return .passed
    },
  ]
}

/// What a plugin could leave behind in a process.
package struct ProcessTraces {
  private let threads, files: Int
  private let locale: String
  private let rounding: Int32
  private let handlers: [UInt]

  /// The process as it is now.
  package init() {
    threads = Self.entries("/proc/self/task")
    files = Self.entries("/proc/self/fd")
    locale = setlocale(LC_ALL, nil).map { String(cString: $0) } ?? ""
    rounding = fegetround()
    handlers = [SIGSEGV, SIGFPE, SIGINT, SIGTERM, SIGPIPE, SIGALRM, SIGABRT].map { signal in
      var action = sigaction()
      sigaction(signal, nil, &action)
      return withUnsafeBytes(of: &action) { $0.loadUnaligned(as: UInt.self) }
    }
  }

  /// What changed since `self`, in words; nil where nothing did.
  package func difference() -> String? {
    let now = ProcessTraces()
    // The pools of the instances before are gone; only more than before is a trace.
    if now.threads > threads + 2 { return "\(now.threads - threads) threads more than before" }
    if now.files > files { return "\(now.files - files) open files more than before" }
    if now.locale != locale { return "the locale is \(now.locale), it was \(locale)" }
    if now.rounding != rounding { return "the floating-point rounding mode was changed" }
    if now.handlers != handlers { return "a signal handler was installed" }
    return nil
  }

  func compare(_ what: String) throws {
    if let difference = difference() { throw CheckProblem("after \(what): \(difference)") }
  }

  private static func entries(_ path: String) -> Int {
    guard let folder = opendir(path) else { return 0 }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    return count
  }
}
