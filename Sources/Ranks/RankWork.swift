// What a rank does at a command of rank 0, whatever encoder it has. Implemented by RankMember (this program's own) and
// DeviceMember (one that computes elsewhere); called by RankWorker.

import Encoder
import Kernels

/// One rank's part of the work. All ranks make the same calls in the same order.
protocol RankWork: AnyObject {
  var pool: ThreadPool { get }
  /// The tensors, in a fixed order.
  var tensors: [Parameter] { get }
  /// Computes this rank's part of a batch.
  func forward(_ batch: RankBatch) throws
  /// Adds this rank's gradients of the last batch. `isLast`: none will be added before the sum.
  func backward(isLast: Bool) throws
  /// Guesses hidden words of this rank's part of a batch, forward and backward. Only where the head is on the device.
  func learn(_ batch: MaskedBatch) throws
  /// Adds up the gradients of all ranks. `wholeTable`: of every row of the word table.
  func sum(wholeTable: Bool) throws
  /// Moves the weights.
  func step(_ step: DeviceStep) throws
  /// Sets the gradients to zero.
  func clear() throws
  /// Sends rank 0 what it has no part of.
  func read(_ part: DevicePart) throws
  /// Takes a part of a tensor over: `source` holds all of it.
  func set(_ part: DevicePart, of index: Int, from source: UnsafePointer<Float>) throws
}

extension RankWork {
  /// This program's own head is on rank 0, above the hidden states of all.
  func learn(_ batch: MaskedBatch) throws { preconditionFailure("an encoder without a head for masked words") }
}
