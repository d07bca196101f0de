// Dropout rates as the kernels understand them. Masks are made from (key, step, row, feature) where they are
// applied and made again in backward; none is stored.

package import CKernels

extension RandomStream {
  /// Dropout with probability `rate` (rounded to 1/65536) at a step of this stream; rate 0 switches it off.
  ///
  /// Kept elements are multiplied by 1 / (1 - rate), rate being the rounded one.
  package func dropout(rate: Float, step: UInt64) -> ck_dropout {
    dropout(rate: ck_rate(rate), step: step)
  }

  /// The same with a rate as kernels have it; `rates` gives each row one of its own, by the rows' numbers. `first` is
  /// the number of row 0 in the batch that decides about the masks.
  package func dropout(
    rate: ck_rate, rates: UnsafePointer<ck_rate>? = nil, step: UInt64, first: UInt32 = 0
  ) -> ck_dropout {
    ck_dropout(key: key, step: step, rate: rate, rates: rates, first: first)
  }
}

extension ck_rate {
  /// A probability, rounded to 1/65536 and below 1.
  package init(_ rate: Float) {
    let threshold = UInt32(min(max((rate * 65536).rounded(), 0), 65535))
    self.init(threshold: threshold, scale: 65536 / Float(65536 - threshold))
  }
}
