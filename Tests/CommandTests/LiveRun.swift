// A run that goes on until a test stops it.

import Foundation
import Testing

/// The command as a child, and what it says on standard error. A child that is left running is killed.
class LiveRun {
  let process = Process()
  private let errorsPath: String

  /// - Parameter errors: The file for what it says.
  init(errors: String) { errorsPath = errors }

  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

  /// What it has said so far.
  var errors: String { (try? String(contentsOfFile: errorsPath, encoding: .utf8)) ?? "" }

  /// Starts the command, with variables beside those of the test.
  func start(_ arguments: [String], variables: [String: String] = [:]) throws {
    _ = FileManager.default.createFile(atPath: errorsPath, contents: nil)
    process.executableURL = URL(fileURLWithPath: arguments[0])
    process.arguments = Array(arguments.dropFirst())
    process.environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle(forWritingAtPath: errorsPath)
    try process.run()
  }

  /// Waits until something is so; a run that ends, or five minutes, is the end of patience.
  func wait(_ what: String, until condition: () throws -> Bool) throws {
    let start = Date()
    while try !condition() {
      try #require(process.isRunning, "the run ended while the test waited for \(what): \(errors)")
      try #require(Date().timeIntervalSince(start) < 300, "nothing came of \(what): \(errors)")
      usleep(5000)
    }
  }

  /// Interrupts the run, which then ends with a checkpoint.
  func stop() throws {
    kill(process.processIdentifier, SIGINT)
    process.waitUntilExit()
    try #require(process.terminationReason == .exit && process.terminationStatus == 130, "\(errors)")
  }
}
