// What runs read, read once: training files and models that strategies share, by what a description says of them. Used
// by ComparisonPlan.

import Encoder
import Evaluation
import Files
import FoundationEssentials
import ModelFiles
import Training

/// Data and models, by where they lie.
struct InputCache {
  private let evalData: [PairSet]?
  private let opening: OpenedEncoder.Opening
  private var data: [String: (rows: Int, columns: Int, sha256: String)] = [:]
  private var models: [String: (files: [RunInputs.FileDigest], maximumTokens: Int)] = [:]
  private var guides: [String: String] = [:]
  private var encoders: [[String]: OpenedEncoder] = [:]
  /// What is odd about the training files.
  private(set) var lines: [String] = []

  /// - Parameters:
  ///   - evalData: the sub-datasets of the evaluation; nil without one.
  ///   - opening: how encoders beside this program's own are opened.
  init(evalData: [PairSet]?, opening: OpenedEncoder.Opening) { (self.evalData, self.opening) = (evalData, opening) }

  /// What is read of a run.
  struct Input {
    var hashes: RunInputs
    var totalSteps, rows, columns: Int
    /// What computes in place of this program's own encoder, where that was opened.
    var encoder: OpenedEncoder?
  }

  /// The hashes of what a run reads, its optimiser steps, and the size of its data.
  /// - Throws: the errors of reading; `TrainingError.usage` for sentences longer than the model takes;
  ///   `ComparisonError.encoder`.
  mutating func read(_ run: RunDescription) throws -> Input {
    let training = run.training
    let place = training.trainFile + "\0" + (training.columns ?? "")
    let encoder = try open(run)
    // What one encoder takes, another may not.
    let folder = run.model + "\0" + (run.encoder.isOwn ? "" : run.encoder.name ?? "")
    if models[folder] == nil {
      // What only transformers read, they have read.
      let tokens = try encoder?.maximumTokens ?? ModelFolder(path: run.model).shape.maximumPositions
      models[folder] = (try RunInputs.modelFiles(run.model), tokens)
    }
    if data[place] == nil {
      let found = try TrainingData(
        path: training.trainFile, columns: training.columns, spoolFolder: Folder.temporary)
      // Which strategies use scores and labels, their runs know.
      var report = found.report
      report.used = found.supervision
      lines += report.lines
      data[place] = (found.rows, found.columns, found.report.sha256)
    }
    for guide in run.strategy.guides where guides[guide] == nil {
      guides[guide] = try RunInputs.digest(GuideName(guide))
    }
    let (model, rows) = (models[folder], data[place])
    try run.check(maximumTokens: model?.maximumTokens ?? .max)
    return Input(
      hashes: RunInputs(
        trainFile: rows?.sha256 ?? "", evalData: evalData, model: model?.files ?? [],
        guides: run.strategy.guides.compactMap { guides[$0] }),
      totalSteps: training.totalSteps(rows: rows?.rows ?? 0), rows: rows?.rows ?? 0, columns: rows?.columns ?? 0,
      encoder: encoder)
  }

  /// What computes in place of this program's own encoder; opened once, however many strategies share it.
  private mutating func open(_ run: RunDescription) throws -> OpenedEncoder? {
    let asked = run.encoder
    let training = run.training
    let key = [
      run.model, asked.name, asked.device, asked.precision, training.dropout.map { "\($0)" },
      training.trainsMaskedLanguage ? "mlm" : nil,
    ].map { $0 ?? "" }
    if let known = encoders[key] { return known }
    encoders[key] = try OpenedEncoder(of: run, opening)
    return encoders[key]
  }

  /// What the opened encoders say of themselves, a line each.
  var encoderLines: [String] { encoders.values.map(\.text).filter { !$0.isEmpty }.sorted() }
}
