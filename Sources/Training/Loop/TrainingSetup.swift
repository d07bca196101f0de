// Everything a training run works with, opened and checked. Made by TrainingPlan, driven by TrainingRun.

package import Files
package import Kernels
import Processes

/// Scores the model as it stands, without drawing random numbers or changing anything.
package typealias Evaluate = (_ step: Int) throws -> EvaluationResult

/// What a run needs.
package struct TrainingSetup {
  /// What the run is.
  package var description: RunDescription
  /// The recipe as it was named, for messages; nil where samplers and losses were.
  var method: String?
  /// How it starts and stops.
  package var control: RunControl
  /// Where it writes.
  package var folder: OutputFolder
  /// Keeps other runs out of the folder; nil where nothing is written, or the file system has no locks.
  var lock: FolderLock?
  /// The rows.
  package var data: TrainingData
  /// Makes batches of them.
  package var batches: BatchMaker
  /// What learns.
  package var model: any ExportableModel
  /// Threads of encoder and optimiser.
  package var pool: ThreadPool
  /// Scores the model; nil without evaluation data.
  package var evaluate: Evaluate?
  /// What a resumed run must agree in.
  package var identity: RunIdentity
  /// Makes the identity again after a plugin was reloaded.
  package var identify: () throws -> RunIdentity
  /// The instances in use, for run.json; another build after a reload.
  package var plugins: () -> JSONValue = { .array([]) }
  /// Further facts for run.json.
  package var record: [(String, JSONValue)]
  /// The score of embeddings that stay as they are, without the head that is trained on them (`--frozen`).
  package var withoutHead: EvaluationResult?
  /// What the user sees.
  package var display: ProgressDisplay
  /// Lets rebuilt plugins into the model, where the run has `--watch`.
  package var reloader: PluginReloader?
  /// The strategies of the run with their numbers that change from step to step; nil where the model has none.
  package var course: StrategyCourse?
  /// How many processes share the work.
  var ranks = 1
  /// Answers wishes for another strategy; nil where nothing is written.
  var swapper: StrategySwapper?
  /// Bytes of the parameters and the states of each strategy that takes over on the way.
  var laterBytes: [(parameters: Int, states: Int)] = []

  /// A run without evaluation, schedules and reloads.
  package init(
    description: RunDescription, control: RunControl, folder: OutputFolder, data: TrainingData, batches: BatchMaker,
    model: any ExportableModel, pool: ThreadPool, identity: RunIdentity, record: [(String, JSONValue)],
    display: ProgressDisplay
  ) {
    (self.description, self.control, self.folder) = (description, control, folder)
    (self.data, self.batches, self.model, self.pool) = (data, batches, model, pool)
    (self.identity, self.record, self.display) = (identity, record, display)
    identify = { identity }
  }
}
