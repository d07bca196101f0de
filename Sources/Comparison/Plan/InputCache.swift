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
  private var data: [String: (rows: Int, columns: Int, sha256: String)] = [:]
  private var models: [String: (files: [RunInputs.FileDigest], maximumTokens: Int)] = [:]
  private var guides: [String: String] = [:]
  /// What is odd about the training files.
  private(set) var lines: [String] = []

  /// - Parameter evalData: the sub-datasets of the evaluation; nil without one.
  init(evalData: [PairSet]?) { self.evalData = evalData }

  /// What is read of a run.
  struct Input {
    var hashes: RunInputs
    var totalSteps, rows, columns: Int
  }

  /// The hashes of what a run reads, its optimiser steps, and the size of its data.
  /// - Throws: the errors of reading; `TrainingError.usage` for sentences longer than the model takes.
  mutating func read(_ run: RunDescription) throws -> Input {
    let training = run.training
    let place = training.trainFile + "\0" + (training.columns ?? "")
    if models[run.model] == nil {
      let source = try ModelFolder(path: run.model)
      models[run.model] = (try RunInputs.modelFiles(run.model), source.shape.maximumPositions)
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
    let (model, rows) = (models[run.model], data[place])
    try run.check(maximumTokens: model?.maximumTokens ?? .max)
    return Input(
      hashes: RunInputs(
        trainFile: rows?.sha256 ?? "", evalData: evalData, model: model?.files ?? [],
        guides: run.strategy.guides.compactMap { guides[$0] }),
      totalSteps: training.totalSteps(rows: rows?.rows ?? 0), rows: rows?.rows ?? 0, columns: rows?.columns ?? 0)
  }
}
