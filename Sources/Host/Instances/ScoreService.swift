// The service "cse.score/1": a sampler asks in the middle of its call what the run's losses make of vectors. The
// objective answers; what is asked and how failures get out stands here.

import CIsolation
package import Kernels
import PluginAPI

/// The loss of vectors that a sampler makes up.
package enum ScoreService {
  /// Gives the loss of `vectors` [m, width], and writes its gradient at them, of the same shape.
  package typealias Score = (_ vectors: Matrix, _ gradient: Matrix) throws -> Double

  /// What `get_service` returns for the id.
  nonisolated(unsafe) static let table: UnsafePointer<cse_score_1> = {
    let table = UnsafeMutablePointer<cse_score_1>.allocate(capacity: 1)
    table.initialize(
      to: cse_score_1(
        struct_size: UInt32(MemoryLayout<cse_score_1>.size), reserved: 0,
        gradient: { call, vectors, gradient, loss in
          guard let context = CallContext.of(call), let score = context.score else {
            return cse_status(CSE_E_UNSUPPORTED)
          }
          guard let vectors = matrix(vectors), let gradient = matrix(gradient), let loss, vectors.rows > 0,
            vectors.rows == gradient.rows, vectors.columns == gradient.columns
          else { return cse_status(CSE_E_INVALID) }
          // The losses that are asked are other plugins, with crashes of their own.
          let entry = iso_suspend()
          defer { iso_resume(entry) }
          do {
            loss.pointee = try score(vectors, gradient)
            return cse_status(CSE_OK)
          } catch {
            context.scoreFailure = error
            return cse_status(CSE_E_INTERNAL)
          }
        }))
    return UnsafePointer(table)
  }()

  private static func matrix(_ tensor: UnsafePointer<DLTensor>?) -> Matrix? {
    guard let tensor, tensor.pointee.ndim == 2, let data = tensor.pointee.data, let shape = tensor.pointee.shape,
      let strides = tensor.pointee.strides, shape[0] >= 0, shape[0] < 1 << 32, shape[1] >= 1, shape[1] < 1 << 32,
      strides[0] >= shape[1], strides[1] == 1
    else { return nil }
    return Matrix(
      data.assumingMemoryBound(to: Float.self), rows: Int(shape[0]), columns: Int(shape[1]), rowStride: Int(strides[0]))
  }
}
