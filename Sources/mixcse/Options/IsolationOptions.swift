// `--isolate[=NAME,...]` and what a plugin may use; part of PluginOptions.

import ArgumentParser
import Host
import Logging

/// `--isolate`, `--plugin-deadline`, `--plugin-memory`.
struct IsolationOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Runs plugins in processes of their own: with =NAME,... those, without a value all.",
      discussion: """
        A plugin that crashes, hangs, ends the program or fills the memory then ends its own process only: the run says \
        which plugin, function and step it was, saves the last whole step and ends with 69. The numbers are the same.
        """, valueName: "name,..."))
  var isolate: String?
  @Option(
    name: .customLong("plugin-deadline"),
    help: ArgumentHelp(
      "Seconds one call into a plugin may take, then the run ends with 69; 0 = any time.", valueName: "seconds"))
  var deadline = 60.0
  @Option(
    name: .customLong("plugin-memory"),
    help: ArgumentHelp(
      "MiB of memory of its own that an isolated plugin may take; 0 = all there is.", valueName: "MiB"))
  var memory = 4096

  func validate() throws {
    guard deadline >= 0, deadline <= 1e6 else {
      throw ValidationError("--plugin-deadline: expected 0 to 1000000 seconds, found \(deadline)")
    }
    guard (0...(1 << 30)).contains(memory) else {
      throw ValidationError("--plugin-memory: expected 0 to \(1 << 30) MiB, found \(memory)")
    }
    guard isolate.map({ !names(in: $0).isEmpty }) ?? true else {
      throw ValidationError("--isolate=NAME,...: expected names parted by commas, found nothing behind the '='")
    }
  }

  /// Nil where nothing is isolated.
  /// - Throws: `PluginError`
  func make(allowInsecure: Bool, threads: Int, logger: Logger) throws -> Isolation? {
    guard let isolate else { return nil }
    return try Isolation(
      names: isolate == IsolationFlag.everything ? [] : names(in: isolate),
      bounds: Isolation.Bounds(deadline: deadline, memoryBytes: memory << 20, threads: threads),
      allowInsecure: allowInsecure, logger: logger)
  }

  /// The flags as given, for a child process.
  var arguments: [String] {
    (isolate.map { ["--isolate=" + $0] } ?? [])
      + ["--plugin-deadline", String(deadline), "--plugin-memory", String(memory)]
  }

  private func names(in text: String) -> [String] { text.split(separator: ",").map { String($0) } }
}

/// An option whose value may be left out, which the parser does not know: `--isolate` alone is written in full first.
enum IsolationFlag {
  static let everything = "*"

  static func spelledOut(_ arguments: [String]) -> [String] {
    arguments.map { $0 == "--isolate" ? "--isolate=" + everything : $0 }
  }
}
