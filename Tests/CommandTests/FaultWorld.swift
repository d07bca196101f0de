// What the fault tests share: a tiny run whose plugin goes wrong while a file exists, and the model that the run makes
// when nothing goes wrong.

import Foundation
import TestSupport
import Testing

/// A folder with a model, text, the faulty plugin, and runs in it.
final class FaultWorld {
  let world: CommandWorld
  let library: String

  init() throws {
    world = try CommandWorld()
    library = world.path("libfaulty.so")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: world.folder)
    try FileManager.default.copyItem(atPath: try FaultPlugins.library([]), toPath: library)
  }

  /// What a plugin's fault is triggered by.
  var trigger: String { world.path("trigger") }

  /// The arguments of a run of ten steps that saves every second one.
  func arguments(_ output: String, _ more: [String]) -> [String] {
    [
      Resources.command, "train", "--model", world.path("model"), "--train-file", world.path("train.txt"),
      "--output-dir", world.path(output), "--save-steps", "2", "--max-steps", "10", "--batch-size", "8",
      "--learning-rate", "1e-3", "--threads", "1",
    ] + more
  }

  /// The strategy with one faulty component; `settings` are its parameters.
  func strategy(_ component: String, _ settings: [String]) -> [String] {
    let assigned = (settings + ["from=5", "file=\(trigger)"]).flatMap { ["--set", "\(component).\($0)"] }
    let named = "\(library):\(component)"
    switch component {
    case "faulty": return ["--sampler", named, "--loss", "infonce", "--pooler", "cls"] + assigned
    case "faulty_first": return ["--loss", "infonce", "--pooler", named] + assigned
    default: return ["--loss", named, "--pooler", "cls"] + assigned
    }
  }

  func run(_ output: String, _ more: [String]) throws -> ShellResult {
    try shell(arguments(output, more), environment: ["SWIFT_BACKTRACE": "enable=no"])
  }

  func checkpoints(_ output: String) -> [String] { world.names(output + "/checkpoints").sorted() }

  func isSame(_ output: String, as other: String) throws -> Bool {
    try world.data(output + "/model.safetensors") == world.data(other + "/model.safetensors")
      && world.metrics(output) == world.metrics(other)
  }
}

/// The faulty plugin in its variants, compiled once for the process.
enum FaultPlugins {
  private static let folder: Result<String, any Error> = Result {
    let folder = FileManager.default.temporaryDirectory.path + "/fault-plugins-\(getpid())"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    return folder
  }

  /// Built with these definitions; without any it has a trap of Swift's own as well.
  static func library(_ definitions: [String], links: [String] = []) throws -> String {
    let folder = try folder.get()
    let path = folder + "/lib" + (definitions.first ?? "faulty") + ".so"
    if FileManager.default.fileExists(atPath: path) { return path }
    let unique = folder + "/" + UUID().uuidString
    let source = [Resources.fixture("faults/faulty.c"), "-I", Resources.packageRoot + "/Sources/PluginAPI/include"]
    let flags = definitions.map { "-D" + $0 }
    if definitions.isEmpty {
      try build(["cc", "-O1", "-fPIC", "-DSWIFT", "-c"] + source + ["-o", unique + ".o"])
      try build([
        "swiftc", "-O", "-parse-as-library", "-module-name", "Trap", "-emit-library",
        Resources.fixture("faults/trap.swift"), unique + ".o", "-o", unique, "-lm",
      ])
    } else {
      try build(["cc", "-O1", "-shared", "-fPIC"] + flags + source + ["-o", unique, "-lm"] + links)
    }
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: unique)
    // Whoever comes second finds it there, and it is the same.
    try? FileManager.default.moveItem(atPath: unique, toPath: path)
    return path
  }

  /// A bare sampler that aborts while a file exists.
  static func bare() throws -> String {
    let path = try folder.get() + "/libbare-noise.so"
    if FileManager.default.fileExists(atPath: path) { return path }
    try build(["cc", "-O1", "-shared", "-fPIC", Resources.fixture("faults/bare.c"), "-o", path])
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    return path
  }

  /// A library that another one needs, to be taken away.
  static func helper(in folder: String) throws -> String {
    let path = folder + "/libhelper.so"
    try "int helper(void) { return 0; }\n".write(toFile: folder + "/helper.c", atomically: true, encoding: .utf8)
    try build(["cc", "-shared", "-fPIC", folder + "/helper.c", "-o", path, "-Wl,-soname,libhelper.so"])
    return path
  }

  private static func build(_ command: [String]) throws {
    let built = try shell(command)
    try #require(built.code == 0, "\(built.errors)")
  }
}
