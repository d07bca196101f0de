// The fault matrix: every way a plugin can go wrong during a real training run, inside the program and in a process of
// its own. Each row says what the user reads and the exit code; then the run is resumed with the same plugin, told to
// behave, and must end with the same model as a run in which nothing went wrong. Documentation/Faults.md is this table.

import Foundation
import TestSupport
import Testing

/// One fault and what it leads to.
struct FaultRow: Sendable, CustomTestStringConvertible {
  var component = "faulty"
  var place = "first"
  let fault: String
  var more: [String] = []
  /// The function that is blamed.
  var function = "sample"
  /// Nil: not survivable, so it is not tried.
  let inProcess: (code: Int32, texts: [String])?
  let isolated: (code: Int32, texts: [String])

  var testDescription: String { "\(component).\(function) \(fault)" }

  init(
    _ fault: String, inProcess: (code: Int32, texts: [String])?, isolated: (code: Int32, texts: [String]),
    _ component: String = "faulty", place: String = "first", function: String = "sample", more: [String] = []
  ) {
    self.fault = fault
    self.inProcess = inProcess
    self.isolated = isolated
    self.component = component
    self.place = place
    self.function = function
    self.more = more
  }

  /// The same in both.
  init(
    _ fault: String, both texts: [String], _ component: String = "faulty", place: String = "first",
    function: String = "sample"
  ) {
    self.init(
      fault, inProcess: (69, texts), isolated: (69, texts), component, place: place, function: function)
  }

  /// A signal: it ends the program, or the plugin's process.
  init(
    _ fault: String, signal: Int32, _ name: String, _ component: String = "faulty", place: String = "first",
    function: String = "sample"
  ) {
    self.init(
      fault, inProcess: (128 + signal, [name + " inside the plugin", "--isolate"]),
      isolated: (69, ["its process died of " + name, "the run itself is unharmed"]), component, place: place,
      function: function)
  }

  /// Deadlines are long against what a busy machine makes of an ordinary call, and short against what waits for them.
  static let all: [FaultRow] = [
    FaultRow("error", both: ["told to fail (status 6, internal)"]),
    FaultRow("nan", both: ["vectors[0] holds nan at [0, 1]"]),
    FaultRow("past_end", both: ["wrote past the end of 'vectors[0]'"]),
    FaultRow("segv", signal: SIGSEGV, "SIGSEGV"),
    FaultRow("trap", signal: SIGILL, "SIGILL (a trap)"),
    FaultRow("swift_trap", signal: SIGILL, "SIGILL (a trap)"),
    FaultRow("abort", signal: SIGABRT, "SIGABRT"),
    FaultRow(
      "exit", inProcess: (69, ["ended the program with exit()", "--isolate"]),
      isolated: (69, ["its process ended with code 0"])),
    FaultRow(
      "loop", inProcess: (69, ["it has not returned for 4 seconds (--plugin-deadline)"]),
      isolated: (69, ["it did not return within 4 s (--plugin-deadline)"]), more: ["--plugin-deadline", "4"]),
    FaultRow(
      "sleep", inProcess: (69, ["it has not returned for 4 seconds (--plugin-deadline)"]),
      isolated: (69, ["it did not return within 3.6 s (--plugin-deadline)"]),
      more: ["--plugin-deadline", "3.6", "--set", "faulty.seconds=30"]),
    FaultRow(
      "hog", inProcess: nil, isolated: (69, ["its process died of", "its limit is 200 MiB (--plugin-memory)"]),
      more: ["--plugin-memory", "200"]),
    FaultRow(
      "input", inProcess: nil, isolated: (69, ["SIGSEGV: it wrote to memory that it may only read"])),
    FaultRow("wild", inProcess: nil, isolated: (69, ["faulty"])),
    FaultRow("abort", signal: SIGABRT, "SIGABRT", place: "commit", function: "commit"),
    FaultRow("abort", signal: SIGABRT, "SIGABRT", "faulty_first", place: "backward", function: "pool_backward"),
    FaultRow("segv", signal: SIGSEGV, "SIGSEGV", "faulty_first", function: "pool"),
    FaultRow("trap", signal: SIGILL, "SIGILL (a trap)", "faulty_loss", function: "on_logits"),
    FaultRow("nan", both: ["the loss is nan; expected a finite number"], "faulty_loss", function: "on_logits"),
  ]
}

@Suite struct FaultMatrixTests {
  let faults: FaultWorld

  init() throws { faults = try FaultWorld() }

  @Test(arguments: FaultRow.all)
  func everyFaultIsNamedAndTheRunGoesOn(row: FaultRow) throws {
    let settings = faults.strategy(row.component, ["fault=\(row.fault)", "place=\(row.place)"]) + row.more
    let whole = try faults.run("whole", settings)
    try #require(whole.code == 0, "\(whole.errors)")
    if let expected = row.inProcess { try check(row, settings, expected, "here", []) }
    try check(row, settings, row.isolated, "apart", ["--isolate=" + row.component])
  }

  private func check(
    _ row: FaultRow, _ settings: [String], _ expected: (code: Int32, texts: [String]), _ output: String,
    _ isolation: [String]
  ) throws {
    try faults.world.write("trigger", "")
    let failed = try faults.run(output, settings + isolation)
    #expect(failed.code == expected.code, "\(output): \(failed.code) \(failed.errors)")
    for text in expected.texts + ["test.faulty.\(row.component)", "\(row.function) at step 5", faults.library] {
      #expect(failed.errors.contains(text), "\(output): '\(text)' is not in: \(failed.errors)")
    }
    #expect(failed.output.isEmpty)
    // What ends the program leaves the last checkpoint; all else saves the last whole step.
    let last = expected.code > 128 || row.fault == "exit" && isolation.isEmpty ? "step-00000004" : "step-00000005"
    #expect(faults.checkpoints(output).last == last + ".ckpt", "\(output): \(faults.checkpoints(output))")
    try FileManager.default.removeItem(atPath: faults.trigger)
    let resumed = try faults.run(output, settings + isolation + ["--resume"])
    #expect(resumed.code == 0, "\(output): \(resumed.errors)")
    #expect(try faults.isSame(output, as: "whole"), "\(output): the resumed run ends elsewhere")
  }

  /// Slow is not wrong.
  @Test func aCallMayTakeAsLongAsTheDeadlineAllows() throws {
    let settings = faults.strategy("faulty", ["fault=sleep", "seconds=0.1"])
    let quick = try faults.run("quick", settings)
    try faults.world.write("trigger", "")
    for isolation in [[], ["--isolate"]] {
      let output = isolation.isEmpty ? "slow" : "slow-apart"
      let slow = try faults.run(output, settings + isolation + ["--plugin-deadline", "20"])
      #expect(quick.code == 0 && slow.code == 0, "\(slow.errors)")
      #expect(try faults.isSame(output, as: "quick"))
    }
  }

  @Test func whatAPluginPrintsGoesToTheLogUnderItsName() throws {
    try faults.world.write("trigger", "")
    let settings = faults.strategy("faulty", ["fault=print"])
    let result = try faults.run("prints", settings + ["--isolate", "--json"])
    #expect(result.code == 0, "\(result.errors)")
    #expect((try? JSONSerialization.jsonObject(with: Data(result.output.utf8))) != nil, "\(result.output)")
    #expect(result.errors.contains("plugin faulty printed: a line for standard output"), "\(result.errors)")
  }

  @Test func aBareFunctionCrashesApartToo() throws {
    let library = try FaultPlugins.bare()
    let settings = [
      "--sampler", library, "--loss", "infonce", "--pooler", "cls", "--set", "bare_noise.from=5", "--set",
      "bare_noise.file=\(faults.trigger)",
    ]
    let whole = try faults.run("whole", settings)
    try #require(whole.code == 0, "\(whole.errors)")
    try faults.world.write("trigger", "")
    let failed = try faults.run("apart", settings + ["--isolate"])
    #expect(failed.code == 69 && failed.errors.contains("bare_noise, sample at step 5: its process died of SIGABRT"))
    let here = try faults.run("here", settings)
    #expect(here.code == 128 + SIGABRT && here.errors.contains("sample at step 5: SIGABRT inside the plugin"))
    try FileManager.default.removeItem(atPath: faults.trigger)
    let resumed = try faults.run("apart", settings + ["--isolate", "--resume"])
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(try faults.isSame("apart", as: "whole"))
  }

  /// The file of a loaded plugin is cut off under it, as `cp` over it does.
  @Test(arguments: [false, true])
  func aFileThatIsOverwrittenWhileItRuns(isolated: Bool) throws {
    let settings = faults.strategy("faulty", ["fault=sleep", "seconds=0.5"]) + (isolated ? ["--isolate=faulty"] : [])
    let whole = try faults.run("whole", settings)
    try #require(whole.code == 0, "\(whole.errors)")
    try faults.world.write("trigger", "")
    let original = try faults.world.data("libfaulty.so")
    let library = faults.library
    let saved = faults.world.path("cut/checkpoints/step-00000004.ckpt")
    Thread.detachNewThread {
      while access(saved, F_OK) != 0 { usleep(1000) }
      usleep(100_000)
      truncate(library, 0)
    }
    let failed = try faults.run("cut", settings)
    #expect(failed.code == (isolated ? 69 : 128 + SIGBUS), "\(failed.code) \(failed.errors)")
    #expect(failed.errors.contains("SIGBUS"), "\(failed.errors)")
    let refused = try faults.run("cut", settings + ["--resume"])
    #expect(refused.code == 69 && refused.errors.contains("no ELF file"), "\(refused.errors)")
    try original.write(to: URL(fileURLWithPath: library))
    try FileManager.default.removeItem(atPath: faults.trigger)
    let resumed = try faults.run("cut", settings + ["--resume"])
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(try faults.isSame("cut", as: "whole"))
  }
}
