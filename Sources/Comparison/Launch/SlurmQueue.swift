// Slurm's commands, and what they print. Called by SlurmLaunch; what is parsed here is tested without Slurm.

import Glibc
import Processes

/// The queue of a cluster.
package struct SlurmQueue {
  /// A task of an array that is waiting or running.
  package struct Task: Equatable {
    var job: Int
    var task: Int
    /// `PENDING`, `RUNNING`, ...
    var state: String
    /// The node it runs on, or what it waits for.
    var place: String

    /// A task by its parts.
    package init(job: Int, task: Int, state: String, place: String) {
      (self.job, self.task, self.state, self.place) = (job, task, state, place)
    }

    /// Whether it has a node.
    package var isRunning: Bool { ["RUNNING", "COMPLETING", "SUSPENDED", "STAGE_OUT"].contains(state) }
  }

  /// Slurm's programs that a comparison calls.
  static let programs = ["sbatch", "squeue", "sinfo"]

  /// Looks whether Slurm is here.
  /// - Throws: `ComparisonError.usage`
  package static func check() throws {
    guard let missing = programs.first(where: { ChildOutput.found($0) == nil }) else { return }
    throw ComparisonError.usage(
      place: "--launcher slurm", expected: "\(missing) on the PATH", found: "none",
      advice: "Compare where jobs are submitted from, a login node; --launcher script prints the commands instead")
  }

  /// Submits a script.
  /// - Returns: the number of its job.
  /// - Throws: `ComparisonError.usage` with what sbatch said.
  static func submit(_ script: String) throws -> Int {
    let result = try run("sbatch", ["--parsable", script])
    // `12`, or `12;cluster`.
    guard result.isSuccess, let number = Int(result.output.prefix { $0.isNumber }), number > 0 else {
      let said = oneLine(result.errors + result.output)
      throw ComparisonError.usage(
        place: "sbatch \(script)", expected: "the number of a job", found: said.isEmpty ? "nothing" : said,
        advice: "Correct --sbatch; the same command submits again")
    }
    return number
  }

  /// The tasks of this user's arrays that wait or run.
  /// - Throws: `ComparisonError.scheduler`: without an answer nothing is known to be over.
  static func tasks() throws -> [Task] {
    parse(try answer("squeue", ["--noheader", "--array", "--user=\(getuid())", "--format=%F|%K|%T|%R"]))
  }

  /// The nodes there are, by their host names.
  static func nodes() throws -> [String] {
    let output = try answer("sinfo", ["--noheader", "--Node", "--format=%n"])
    return Set(output.split(whereSeparator: \.isNewline).map { $0.trimmed }).sorted()
  }

  /// Lines of `ARRAY|TASK|STATE|PLACE`; other lines, of jobs that are no arrays, are passed over.
  package static func parse(_ output: String) -> [Task] {
    output.split(whereSeparator: \.isNewline).compactMap { line in
      let fields = line.split(separator: "|", maxSplits: 3, omittingEmptySubsequences: false).map { $0.trimmed }
      guard fields.count == 4, let job = Int(fields[0]), let task = Int(fields[1]) else { return nil }
      return Task(job: job, task: task, state: fields[2], place: fields[3])
    }
  }

  private static func answer(_ program: String, _ arguments: [String]) throws -> String {
    let result = try run(program, arguments)
    guard result.isSuccess else {
      throw ComparisonError.scheduler(command: program, problem: oneLine(result.errors))
    }
    return result.output
  }

  private static func run(_ program: String, _ arguments: [String]) throws -> ChildOutput {
    do throws(SystemFailure) { return try ChildOutput(of: program, arguments) } catch {
      throw ComparisonError.system(path: program, operation: error.operation, code: error.code)
    }
  }

  private static func oneLine(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).joined(separator: " ")
  }
}

extension Substring {
  /// Without blanks at both ends.
  fileprivate var trimmed: String {
    String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
  }
}
