// `mixcse evaluate`: how well embeddings rank graded pairs.

import ArgumentParser
import Encoder
import Evaluation
import Foundation
import Host
import Objective

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Scores a model on graded sentence pairs: Spearman and Pearson of the cosines, x100.",
    discussion: "This version knows the task STSBenchmark and files of pairs (--pairs).")

  enum Mode: String, ExpressibleByArgument, CaseIterable { case test, dev }
  enum TaskSet: String, ExpressibleByArgument, CaseIterable { case sts, na }

  @OptionGroup var model: EmbedderOptions
  @Option(name: .customLong("task-set"), help: "sts: STSBenchmark of --data. na: only what --pairs names.")
  var taskSet: TaskSet?
  @Option(help: "Which part of the task is scored.") var mode: Mode = .test
  @Option(help: ArgumentHelp("The folder that holds or is SentEval's downstream.", valueName: "dir"))
  var data: String?
  @Option(
    help: ArgumentHelp(
      "Tab-separated pairs: genre, file, year, id, score, sentence1, sentence2; or sentence1, sentence2, score. Repeatable.",
      valueName: "file"))
  var pairs: [String] = []
  @Flag(help: "Print one JSON document.") var json = false

  func validate() throws {
    if data == nil && taskSet == .sts { throw ValidationError("--task-set sts needs --data DIR") }
    if data == nil && pairs.isEmpty { throw ValidationError("nothing to score: give --data DIR or --pairs FILE") }
  }

  func run() throws {
    let folder = try ModelFolder(path: model.model)
    let tasks = try readTasks()
    let files = try pairs.map { try PairFile.read($0) }
    for warning in tasks.flatMap(\.warnings) + files.flatMap(\.warnings) { printToStandardError("warning: \(warning)") }
    let pooler = try model.poolerSpec(for: folder)
    let embedder = try model.embedder(folder, pooler: pooler)

    var report = EvaluationReport(model: model.model, pooler: pooler.text, mode: mode.rawValue)
    // The tables own the memory the scores are computed from.
    var tables: [EmbeddingTable] = []
    let embed: Embed = { sentences in
      let table = try embedder.embed(sentences)
      tables.append(table)
      return table.matrix
    }
    for task in tasks { report.add(try task.score(embed)) }
    for (path, set) in zip(pairs, files) { report.pairs[path] = .init(try set.score(embed)) }
    try json ? printJSON(report) : print(report.text)
  }

  private func readTasks() throws -> [STSTask] {
    guard let data, taskSet != .na else { return [] }
    return [try mode == .dev ? STSBenchmark.dev(in: data) : STSBenchmark.test(in: data)]
  }
}

/// The scores of one evaluation, x100, as printed and as JSON.
private struct EvaluationReport: Encodable {
  struct Score: Encodable {
    let spearman: Double
    let pearson: Double
    let pairs: Int

    init(_ score: SimilarityScore) {
      spearman = 100 * score.spearman
      pearson = 100 * score.pearson
      pairs = score.pairs
    }
  }

  let model: String
  let pooler: String
  let mode: String
  var tasks: [String: Score] = [:]
  var pairs: [String: Score] = [:]

  mutating func add(_ score: STSTaskScore) { tasks[score.name] = Score(score.all) }

  var text: String {
    let rows = [tasks, pairs].flatMap { scores in
      scores.sorted { $0.key < $1.key }.map { name, score in
        [name, String(format: "%.2f", score.spearman), String(format: "%.2f", score.pearson), "\(score.pairs)"]
      }
    }
    return "pooler \(pooler)\n" + textTable([["DATA", "SPEARMAN", "PEARSON", "PAIRS"]] + rows)
  }
}
