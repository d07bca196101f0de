// A check that runs in a process of its own while training goes on. Used by PluginReloader for rebuilt libraries and by
// StrategySwapper for strategies.

import Files
import FoundationEssentials
import Host
import Processes

/// `mixcse check-reload` at work.
final class SmokeCheck {
  /// How it ended.
  struct Answer {
    /// What was wrong; nil where nothing was.
    let problem: String?
    /// What the child wrote at its end.
    let proof: [UInt8]
  }

  private let folder: PrivateFolder
  private let child: ChildProcess
  private let proof: String
  private let deadline: Double

  /// Starts the check.
  /// - Parameters:
  ///   - folder: what the test reads lies there; removed at the end.
  ///   - test: gets the place for its proof.
  /// - Throws: `TrainingError.unreadable` where the program cannot be started, errors of writing.
  init(
    in folder: PrivateFolder, settings: PluginReloader.Settings, _ test: (_ proof: String) throws -> SmokeTest
  ) throws {
    (self.folder, deadline) = (folder, settings.deadline)
    proof = folder.file("passed")
    let request = folder.file("request.json")
    try Data(test(proof).json.text().utf8).write(to: URL(fileURLWithPath: request))
    // A process of its own for code that nobody has tried, where it can do no harm while training goes on.
    var start = ChildSettings(
      program: settings.program, name: "mixcse", ["check-reload", request, "--deadline", String(settings.deadline)])
    start.variables = Environment.withoutBacktrace()
    start.streams = [.nothing, .nothing, .appended(to: folder.file("errors"))]
    start.hasOwnGroup = true
    start.deadline = settings.deadline
    do { child = try ChildProcess(start) } catch {
      throw TrainingError.unreadable(path: settings.program, operation: error.operation, code: error.code)
    }
  }

  /// How it ended; nil while it runs.
  func poll() -> Answer? {
    guard let end = child.poll() else { return nil }
    let errors = FileManager.default.contents(atPath: folder.path + "/errors") ?? Data()
    let said = Self.reason(in: String(decoding: errors, as: UTF8.self))
    let bytes = FileManager.default.contents(atPath: proof).map(Array.init)
    let problem = end.problem(said: said, deadline: deadline)
    return Answer(problem: problem ?? (bytes == nil ? "it ended its check before the end" : nil), proof: bytes ?? [])
  }

  /// The first line of what the child said last, without the word every error begins with.
  private static func reason(in errors: String) -> String {
    let lines = errors.split(separator: "\n").map(String.init)
    guard let first = lines.lastIndex(where: { $0.hasPrefix("error: ") }) else { return lines.last ?? "" }
    return String(lines[first].dropFirst("error: ".count))
  }
}
