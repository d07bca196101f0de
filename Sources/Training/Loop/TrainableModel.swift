// What the training loop needs of a model: one batch forward and backward, and everything a checkpoint must carry.
// Implemented by SentenceModel (encoder, pooler, head, objective), and by a small stand-in in the tests.

package import Host
package import Kernels
package import Objective

/// A model that learns from batches.
package protocol TrainableModel: AnyObject {
  /// Everything that learns, in a fixed order with distinct names.
  var parameters: [Parameter] { get }
  /// What plugins keep between steps, in a fixed order with distinct names.
  var states: [CheckpointTensor] { get }
  /// Where some of the parameters are mirrors of tensors on a device; nil where all are here.
  var device: (any DeviceWeights)? { get }
  /// Moving averages of the parameters, for checkpoints; they change in `didStep` only.
  var averages: [CheckpointTensor] { get }

  /// Runs a batch forward and backward and adds `scale` times its gradients to the parameters'. Changes no state.
  func accumulate(_ batch: TokenBatch, at position: StepPosition, scale: Double) throws -> StepReport
  /// Lets plugins take the last batch into their states; returns all metrics they reported of the batch. Where it
  /// fails, the caller puts the states back.
  func commit() throws -> [(name: String, value: Double)]
  /// The optimiser has moved the parameters. Where it fails, the state is that of no whole step.
  func didStep() throws
  /// What there is to say when the run ends.
  var closingLines: [String] { get }
}

extension TrainableModel {
  /// None.
  package var device: (any DeviceWeights)? { nil }
  /// None.
  package var averages: [CheckpointTensor] { [] }
  /// Does nothing.
  package func didStep() {}
  /// Nothing.
  package var closingLines: [String] { [] }
}

/// A model that can be scored and saved as a Hugging Face folder.
package protocol ExportableModel: TrainableModel {
  /// About how many bytes `export` writes.
  var exportedBytes: Int { get }
  /// From `step` on another strategy trains it than the planned ones, for its record.
  func trained(by strategy: String, after step: Int)
  /// Writes the model; `folder` is either complete afterwards or as before. Returns notes for the user.
  func export(to folder: String) throws -> [String]
}

extension ExportableModel {
  /// Nothing is recorded.
  package func trained(by strategy: String, after step: Int) {}
  /// All that learns: what belongs to training alone is not much beside the rest.
  package var exportedBytes: Int { parameters.reduce(0) { $0 + $1.count * 4 } }
}
