// A short run, with each of its calls that change files made to fail or to be its last: after --resume everything is
// as in a run that was left alone, and nothing is left over. A library in front of the C library does it
// (Tests/Fixtures/interpose). `make test` takes a few calls of each function; `make sweep` takes every one.

import Foundation
import TestSupport
import Testing

@Suite(.needs(.compiler("cc"))) struct SweepTests {
  /// What happens to a call.
  enum Fault: Int32, CaseIterable, CustomTestStringConvertible {
    case kill = 0
    case full = 28  // ENOSPC
    case broken = 5  // EIO

    var testDescription: String { self == .kill ? "SIGKILL" : self == .full ? "ENOSPC" : "EIO" }
  }

  static let calls = [
    "rename", "renameat2", "link", "unlink", "rmdir", "mkdir", "fsync", "ftruncate", "unlinkat", "write", "pwrite",
  ]

  /// What could not be removed is left over; that is no fault of the run's.
  static let removing = ["unlink", "rmdir", "unlinkat"]

  static let whole: Result<SweptRun, any Error> = Result { try SweptRun() }
  static let isFull = ProcessInfo.processInfo.environment["CSE_SWEEP"] == "all"
  /// How many calls of a function are tried, if not all: those of several faults lie apart.
  static let tries = 4

  @Test(arguments: calls, Fault.allCases)
  func nothingIsLostWhateverFails(call: String, fault: Fault) throws {
    if fault != .kill, Self.removing.contains(call) { return }
    let run = try Self.whole.get()
    let count = run.counts[call] ?? 0
    // Most writes are tensors of checkpoints, one like the other.
    let step = Self.isFull ? (call == "write" ? 9 : 1) : max(1, count / Self.tries)
    let first = Self.isFull ? 1 : 1 + (Fault.allCases.firstIndex(of: fault) ?? 0) * step / 3
    for number in stride(from: first, through: count, by: step) {
      let output = "\(call)-\(fault.testDescription)-\(number)"
      let what = "\(call) number \(number) of \(count): \(fault.testDescription)"
      let struck = try run.train(
        output, ["INTERPOSE_CALL": call, "INTERPOSE_NUMBER": "\(number)", "INTERPOSE_ERROR": "\(fault.rawValue)"])
      #expect(fault != .kill || struck.code == 128 + SIGKILL, "\(what): \(struck.code)")
      #expect(struck.code != 128 + SIGILL && struck.code != 128 + SIGTRAP, "\(what): \(struck.errors)")
      if struck.code != 0 {
        let resumed = try run.train(output, [:], ["--resume"])
        #expect(resumed.code == 0, "\(what): \(struck.code) \(struck.errors)\n\(resumed.code) \(resumed.errors)")
      }
      let state = try run.state(output)
      let differing = Set(state.keys).union(run.expected.keys).filter { state[$0] != run.expected[$0] }.sorted()
      #expect(differing.isEmpty, "\(what): \(struck.code) \(struck.errors)")
      try FileManager.default.removeItem(atPath: run.world.path(output))
    }
  }

  /// A run calls them: otherwise the sweep would be empty.
  @Test func theSweepMeetsTheRun() throws {
    let counts = try Self.whole.get().counts
    for call in ["rename", "link", "unlink", "mkdir", "fsync", "ftruncate", "write", "pwrite"] {
      #expect(counts[call, default: 0] > 0, "\(call) \(counts)")
    }
  }
}

/// The run of the sweep: six steps, three checkpoints, two evaluations.
final class SweptRun: Sendable {
  nonisolated(unsafe) let world: CommandWorld
  let library: String
  let counts: [String: Int]
  let expected: [String: Data]

  init() throws {
    world = try CommandWorld()
    library = world.path("interpose.so")
    let built = try shell(["cc", "-shared", "-fPIC", Resources.fixture("interpose/interpose.c"), "-o", library, "-ldl"])
    try #require(built.code == 0, "\(built.errors)")
    let counted = try Self.train(world, library, "whole", ["INTERPOSE_COUNTS": world.path("counts")])
    try #require(counted.code == 0, "\(counted.errors)")
    let lines = String(decoding: try world.data("counts"), as: UTF8.self).split(separator: "\n")
    counts = Dictionary(
      uniqueKeysWithValues: lines.map { line in
        let parts = line.split(separator: " ")
        return (String(parts[0]), Int(parts[1]) ?? 0)
      })
    expected = try Self.state(world, "whole")
  }

  func train(_ output: String, _ variables: [String: String], _ more: [String] = []) throws -> ShellResult {
    try Self.train(world, library, output, variables, more)
  }

  /// What a run leaves behind.
  func state(_ output: String) throws -> [String: Data] { try Self.state(world, output) }

  private static func train(
    _ world: CommandWorld, _ library: String, _ output: String, _ variables: [String: String], _ more: [String] = []
  ) throws -> ShellResult {
    let arguments = [
      "--max-steps", "6", "--save-steps", "2", "--eval-steps", "3", "--threads", "1", "--pooler", "avg",
    ]
    // `env` sets the variables, so that this process is not among those that are counted.
    let variables = variables.merging(["LD_PRELOAD": library, "SWIFT_BACKTRACE": "enable=no"]) { $1 }
    return try shell(
      ["env"] + variables.map { "\($0)=\($1)" } + (try world.trainArguments(output, arguments + more)))
  }

  /// Every file by its path: how long things took is left out, and of checkpoints all but how many there are, since an
  /// error leaves one at its step.
  private static func state(_ world: CommandWorld, _ output: String) throws -> [String: Data] {
    var state: [String: Data] = [:]
    for case let name as String in FileManager.default.enumerator(atPath: world.path(output)) ?? .init() {
      var isFolder: ObjCBool = false
      let path = world.path(output) + "/" + name
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue else { continue }
      switch name {
      case "metrics.jsonl": state[name] = Data(try world.metrics(output).joined(separator: "\n").utf8)
      case "run.json": state[name] = Data()
      case _ where name.hasSuffix(".ckpt"): state["checkpoints", default: Data()].append(1)
      default: state[name] = try world.data(output + "/" + name)
      }
    }
    return state
  }
}
