// Compiles the C sources under Tests/Fixtures/plugins into a folder of its own, for one test at a time.

import Foundation
import Host
import Logging
import TestSupport

/// A temporary folder with plugins; removed when the bench goes away.
final class PluginBench {
  let folder: String

  init() throws {
    folder = FileManager.default.temporaryDirectory.path + "/bench-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    // Whatever the umask is: what is refused must be refused for the reason under test.
    try setMode(0o755, "")
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func path(_ name: String) -> String { folder + "/" + name }

  /// Compiles `source` (a file of the fixtures) with `defines` into `name`.
  @discardableResult
  func build(_ source: String, as name: String, _ defines: [String] = [], extra: [String] = []) throws -> String {
    let header = Resources.packageRoot + "/Sources/PluginAPI/include"
    let result = try shell(
      ["cc", "-std=c11", "-shared", "-fPIC", "-O1", "-Wl,--build-id", "-I", header, "-o", path(name)]
        + defines.map { "-D" + $0 } + [Resources.fixture("plugins/" + source)] + extra)
    if result.code != 0 { throw BenchError(description: "cc failed: \(result.errors)") }
    try setMode(0o755, name)
    return path(name)
  }

  func makeFolder(_ name: String) throws -> String {
    try FileManager.default.createDirectory(atPath: path(name), withIntermediateDirectories: false)
    try setMode(0o755, name)
    return path(name)
  }

  func write(_ bytes: some Sequence<UInt8>, as name: String) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
    try setMode(0o644, name)
    return path(name)
  }

  func bytes(of name: String) throws -> [UInt8] { try [UInt8](Data(contentsOf: URL(fileURLWithPath: path(name)))) }

  func setMode(_ mode: Int, _ name: String) throws {
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path(name))
  }

  /// A registry of this folder (or of the given ones) that says nothing.
  func registry(_ folders: [String]? = nil, renamed: [String] = [], allowInsecure: Bool = false) throws
    -> PluginRegistry
  {
    try PluginRegistry(
      searchPath: PluginSearchPath(folders: folders ?? [folder]),
      renamed: renamed.map(PluginRegistry.Renamed.init(parsing:)), allowInsecure: allowInsecure, logger: silentLogger())
  }
}

struct BenchError: Error, CustomStringConvertible {
  let description: String
}

func silentLogger() -> Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }

/// What `body` throws, as text; a note where it throws nothing.
func message(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "nothing was thrown"
  } catch {
    return "\(error)"
  }
}

/// The exit code of the plugin error that `body` throws; 0 where it throws none.
func exitCode(_ body: () throws -> Void) -> Int32 {
  do {
    try body()
  } catch let error as PluginError {
    return error.exitCode
  } catch let error as UsageError {
    return error.exitCode
  } catch {}
  return 0
}

extension ParameterDeclaration {
  /// The declaration in the grammar it came from, with its default written in full: all that was read, in one text.
  var declarationText: String {
    var text = "\(name): \(type) = "
    if case .string(let value) = self.default { text += "\"\(value)\"" } else { text += "\(self.default)" }
    if let range { text += " in \(range)" }
    if live { text += " live" }
    if log { text += " log" }
    return text
  }
}

/// A seeded generator (splitmix64), so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
