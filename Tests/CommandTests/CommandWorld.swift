// What tests of the real command share: a tiny model, sentences, pairs, plugins compiled from C, and child processes
// that can be watched and killed.

import Foundation
import TestSupport
import Testing

/// A temporary folder with everything a run needs; removed at the end.
final class CommandWorld {
  let folder: String
  let tiny: TinyModel

  init(words: Int = 80) throws {
    folder = FileManager.default.temporaryDirectory.path + "/mixcse-command-" + UUID().uuidString
    tiny = TinyModel(words: words)
    try tiny.write(to: folder + "/model")
    try write("train.txt", tiny.sentences(150).joined(separator: "\n") + "\n")
    try write("pairs.tsv", tiny.pairs(40))
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func path(_ name: String) -> String { folder + "/" + name }

  func write(_ name: String, _ text: String) throws {
    try text.write(toFile: path(name), atomically: true, encoding: .utf8)
  }

  func data(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path(name))) }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

  func names(_ name: String) -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: path(name))) ?? [] }

  /// The arguments of a short run with dropout, shuffling, a sampler that remembers, and evaluations.
  func trainArguments(_ output: String, _ more: [String] = []) throws -> [String] {
    [
      Resources.command, "train", "--model", path("model"), "--train-file", path("train.txt"), "--output-dir",
      path(output), "--plugin-path", try CommandPlugins.folder.get(), "--sampler", "mixcse", "--sampler",
      "fifo:size=40", "--loss", "infonce", "--learn-temperature", "--eval-data", path("pairs.tsv"), "--eval-steps",
      "20", "--save-steps", "7", "--max-steps", "60", "--batch-size", "8", "--learning-rate", "1e-3", "--threads", "2",
    ] + more
  }

  func train(_ output: String, _ more: [String] = []) throws -> ShellResult {
    try shell(try trainArguments(output, more))
  }

  /// One number of each line of metrics.jsonl.
  func values(_ output: String, _ name: String = "loss") throws -> [Double] {
    try metrics(output).map { line in
      let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      return try #require(object[name] as? Double, "\(name) is not in \(line)")
    }
  }

  /// The lines of metrics.jsonl without what differs from run to run: speed, seconds and times.
  func metrics(_ output: String) throws -> [String] {
    try String(decoding: data(output + "/metrics.jsonl"), as: UTF8.self).split(separator: "\n").map { line in
      var object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      object["sentencesPerSecond"] = nil
      object["seconds"] = nil
      object["time"] = nil
      object["evaluation"] = nil
      return String(decoding: try JSONSerialization.data(withJSONObject: object, options: .sortedKeys), as: UTF8.self)
    }
  }

  /// Runs a command, and sends it a signal at a moment, or several in a row.
  func run(
    _ arguments: [String], until moment: (_ process: Process) -> Bool, signal: Int32, times: Int = 1
  ) throws -> (code: Int32, wasSignalled: Bool) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: arguments[0])
    process.arguments = Array(arguments.dropFirst())
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    var signalled = false
    while process.isRunning {
      if !signalled, moment(process) {
        for _ in 0..<times { kill(process.processIdentifier, signal) }
        signalled = true
      }
      usleep(100)
    }
    process.waitUntilExit()
    let code = process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
    return (code, signalled)
  }

  /// Starts runs, each into a folder of its own, until one is met at a moment and stopped there; returns that folder.
  /// On a busy machine a short run can go by before this process looks at it again: then the next one is tried.
  /// - Parameter code: what it ends with, by default that of a checkpoint for SIGINT, and else the signal's.
  func stopped(
    _ name: String, by signal: Int32, endsWith code: Int32? = nil,
    _ arguments: (_ output: String) throws -> [String], when isReached: @escaping (_ output: String) -> Bool,
    times: Int = 1
  ) throws -> String {
    let code = code ?? (signal == SIGINT ? 130 : 128 + signal)
    for attempt in 1...Self.attempts {
      let output = "\(name)-\(attempt)"
      let end = try run(try arguments(output), until: { _ in isReached(output) }, signal: signal, times: times)
      if end.wasSignalled, end.code == code { return output }
    }
    throw MomentMissed(description: "\(name): in \(Self.attempts) runs the moment was missed")
  }

  static let attempts = 20

  /// How many lines metrics.jsonl has at the moment.
  func lines(_ output: String) -> Int { ((try? data(output + "/metrics.jsonl")) ?? Data()).count { $0 == 10 } }
}

/// No run could be stopped where a test wanted to stop it.
struct MomentMissed: Error, CustomStringConvertible {
  let description: String
}

/// C plugins of the fixtures, compiled once for the process.
enum CommandPlugins {
  static let folder: Result<String, any Error> = Result {
    let folder = FileManager.default.temporaryDirectory.path + "/command-plugins-\(getpid())"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    for source in ["objective/strategies.c", "training/fails.c", "training/crashes.c"] {
      let library = "\(folder)/lib" + source.split(separator: "/")[1].dropLast(2) + ".so"
      try buildPlugin(Resources.fixture(source), to: library)
    }
    return folder
  }
}
