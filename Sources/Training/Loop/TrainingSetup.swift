// Everything a training run works with, opened and checked. Made by TrainingPlan, driven by TrainingRun.

package import Files
package import Kernels

/// Scores the model as it stands, without drawing random numbers or changing anything.
package typealias Evaluate = (_ step: Int) throws -> EvaluationResult

/// What a run needs; `fingerprint` is what a resumed run must agree in, by name.
package struct TrainingSetup {
  package var options: TrainingOptions
  package var data: TrainingData
  package var batches: BatchMaker
  package var model: any ExportableModel
  package var pool: ThreadPool
  package var evaluate: Evaluate?
  package var fingerprint: [(String, JSONValue)]
  /// Further facts for run.json.
  package var record: [(String, JSONValue)]
  /// The score of embeddings that stay as they are, without the head that is trained on them (`--frozen`).
  package var withoutHead: EvaluationResult?
  package var display: ProgressDisplay
  /// Lets rebuilt plugins into the model, where the run has `--watch`.
  package var reloader: PluginReloader?
  /// Numbers that change from step to step.
  package var schedules: [RunningSchedule] = []

  package init(
    options: TrainingOptions, data: TrainingData, batches: BatchMaker, model: any ExportableModel, pool: ThreadPool,
    evaluate: Evaluate?, fingerprint: [(String, JSONValue)], record: [(String, JSONValue)], display: ProgressDisplay
  ) {
    self.options = options
    self.data = data
    self.batches = batches
    self.model = model
    self.pool = pool
    self.evaluate = evaluate
    self.fingerprint = fingerprint
    self.record = record
    self.display = display
  }
}
