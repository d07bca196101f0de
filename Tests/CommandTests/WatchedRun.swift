// A run with --watch that goes on while a test builds its plugin again, and what it has logged so far.

import Foundation
import TestSupport
import Testing

/// A folder with a library, builds of it, and a run that uses it.
final class WatchedRun: LiveRun {
  let world: CommandWorld
  private let output: String
  private var installs = 0
  /// What was read of metrics.jsonl: whole lines, and the reloads among them.
  private var read = (offset: UInt64(0), rest: Data(), lines: 0, reloads: [[String: Any]]())

  /// The library that the run uses.
  let library: String

  init(_ world: CommandWorld, output: String = "watched", file: String = "libreload.so") throws {
    self.world = world
    library = world.path("work/" + file)
    self.output = output
    super.init(errors: world.path("errors"))
    for name in ["work", "runtime"] {
      try FileManager.default.createDirectory(
        atPath: world.path(name), withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    }
  }

  static func arguments(_ world: CommandWorld, _ output: String, _ more: [String]) -> [String] {
    [
      Resources.command, "train", "--model", world.path("model"), "--train-file", world.path("train.txt"),
      "--output-dir", world.path(output), "--max-steps", "10000000", "--batch-size", "64", "--learning-rate", "1e-4",
      "--threads", "1", "--save-steps", "1000000",
    ] + more
  }

  /// Builds the fixture with macros; the file is no library of the run yet.
  func build(_ defines: [String] = []) throws -> String {
    installs += 1
    let file = world.path("build\(installs)")
    let built = try shell(
      ["cc", "-O2", "-shared", "-fPIC", "-I", Resources.packageRoot + "/Sources/PluginAPI/include"]
        + defines.map { "-D" + $0 } + [Resources.fixture("reload/reload.c"), "-o", file, "-lm"])
    try #require(built.code == 0, "\(built.errors)")
    return file
  }

  /// Renames a copy of `file` over the library.
  func replace(with file: String) throws {
    let next = library + ".next"
    try? FileManager.default.removeItem(atPath: next)
    try FileManager.default.copyItem(atPath: file, toPath: next)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: next)
    try #require(rename(next, library) == 0)
  }

  /// Writes the first `count` bytes of `file` (all where nil) into the library as it lies.
  func overwrite(with file: String, count: Int? = nil) throws {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
    let handle = try #require(FileHandle(forWritingAtPath: library))
    try handle.truncate(atOffset: 0)
    try handle.write(contentsOf: bytes.prefix(count ?? bytes.count))
    try handle.close()
  }

  func start(_ more: [String]) throws {
    try start(
      Self.arguments(world, output, more) + ["--watch"], variables: ["XDG_RUNTIME_DIR": world.path("runtime")])
    try wait("the first steps") { try self.lines() > 5 }
  }

  /// Lines of the log so far.
  func lines() throws -> Int {
    try readOn()
    return read.lines
  }

  /// What the log says of reloads so far.
  func reloads() throws -> [[String: Any]] {
    try readOn()
    return read.reloads
  }

  /// Reads what the log has gained: it may be long, and it is asked for often.
  private func readOn() throws {
    guard let handle = FileHandle(forReadingAtPath: world.path(output + "/metrics.jsonl")) else { return }
    try handle.seek(toOffset: read.offset)
    let gained = try handle.readToEnd() ?? Data()
    try handle.close()
    read.offset += UInt64(gained.count)
    let lines = (read.rest + gained).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    read.rest = Data(lines.last ?? Data())
    read.lines += max(0, lines.count - 1)
    for line in lines.dropLast() where line.starts(with: Data("{\"reload\":".utf8)) {
      read.reloads.append(try #require(try JSONSerialization.jsonObject(with: line) as? [String: Any]))
    }
  }

  /// Waits for the next reload after `count` of them, and three more steps.
  func reload(after count: Int) throws -> [String: Any] {
    try wait("reload \(count + 1)") { try self.reloads().count > count }
    let lines = try lines()
    try wait("steps after reload \(count + 1)") { try self.lines() > lines + 3 }
    return try reloads()[count]
  }

  /// The lines of steps, without what differs from run to run.
  static func steps(_ world: CommandWorld, _ output: String) throws -> [String] {
    try world.metrics(output).filter { $0.contains("\"loss\":") }
  }

  /// The first steps of a run that is left alone, as many as `count`.
  static func control(_ world: CommandWorld, _ more: [String], steps count: Int) throws -> [String] {
    let end = try world.run(
      arguments(world, "control", more), until: { _ in world.lines("control") > count + 1 }, signal: SIGINT)
    try #require(end.wasSignalled && end.code == 130)
    return Array(try steps(world, "control").prefix(count))
  }
}
