// Runs a command and keeps what it printed: for tests of compilers, plugins in child processes and the command line.

import Foundation

/// What a finished command left behind.
public struct ShellResult: Sendable {
  /// The exit code, or 128 + the signal that ended it.
  public let code: Int32
  /// Everything it wrote to standard output.
  public let output: String
  /// Everything it wrote to standard error.
  public let errors: String
}

/// Runs `arguments` (the first one is looked up in PATH) and waits for the end.
/// - Parameters:
///   - arguments: The command and its arguments.
///   - directory: The working directory; the current one where nil.
///   - environment: Variables set on top of this process's own.
///   - input: What the command reads from standard input.
public func shell(
  _ arguments: [String], in directory: String? = nil, environment: [String: String] = [:], input: String = ""
) throws -> ShellResult {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("shell-" + UUID().uuidString)
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  let (output, errors, feed) = ("output", "errors", "input")
  for name in [output, errors] { try Data().write(to: folder.appendingPathComponent(name)) }
  try Data(input.utf8).write(to: folder.appendingPathComponent(feed))

  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = arguments
  process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
  if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
  process.standardOutput = try FileHandle(forWritingTo: folder.appendingPathComponent(output))
  process.standardError = try FileHandle(forWritingTo: folder.appendingPathComponent(errors))
  process.standardInput = try FileHandle(forReadingFrom: folder.appendingPathComponent(feed))
  try process.run()
  process.waitUntilExit()
  let code = process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
  return ShellResult(
    code: code, output: try text(of: folder.appendingPathComponent(output)),
    errors: try text(of: folder.appendingPathComponent(errors)))
}

private func text(of file: URL) throws -> String {
  String(decoding: try Data(contentsOf: file), as: UTF8.self)
}
