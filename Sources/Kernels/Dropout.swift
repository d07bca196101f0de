// Dropout rates as the kernels understand them. Masks are made from (key, step, row, feature) where they are
// applied and made again in backward; none is stored.

package import CKernels

extension RandomStream {
  /// Dropout with probability `rate` (rounded to 1/65536) at a step of this stream; rate 0 switches it off.
  ///
  /// Kept elements are multiplied by 1 / (1 - rate), rate being the rounded one.
  package func dropout(rate: Float, step: UInt64) -> ck_dropout {
    let threshold = UInt32(min(max((rate * 65536).rounded(), 0), 65535))
    return ck_dropout(key: key, step: step, threshold: threshold, scale: 65536 / Float(65536 - threshold))
  }
}
