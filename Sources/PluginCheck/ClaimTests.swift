// What a component claims of itself: that the order of the rows, the length of the vectors or a rotation of the space
// change nothing but what they must. Tested for every kind of component.

import Host
import Kernels
import PluginAPI

extension ConformanceTest {
  static let claimTests: [ConformanceTest] = [
    ConformanceTest("claim.known", .load, "nothing is claimed that the header does not define") { bench in
      let known = UInt32(CSE_SCALE_INVARIANT | CSE_ROTATION_INVARIANT | CSE_PERMUTATION_EQUIVARIANT | CSE_HOLDS)
      let unknown = bench.component.pointer.pointee.claims & ~known
      try expect(unknown == 0, "it claims 0x\(String(unknown, radix: 16)), which the header does not define")
      return .passed
    },
    ConformanceTest("claim.permutation", .numbers, "in another order of the rows the same comes out, in that order") {
      try claims($0, CSE_PERMUTATION_EQUIVARIANT) { try $0.permutation() }
    },
    ConformanceTest("claim.scale", .numbers, "of vectors three times as long the same comes out") {
      try claims($0, CSE_SCALE_INVARIANT) { try $0.scale() }
    },
    ConformanceTest("claim.rotation", .numbers, "of a rotated space the same comes out, rotated where it is vectors") {
      try claims($0, CSE_ROTATION_INVARIANT) { try $0.rotation() }
    },
  ]

  private static func claims(
    _ bench: ComponentBench, _ claim: Int, _ body: (ClaimCheck) throws -> Void
  ) throws -> CheckOutcome {
    guard bench.isStrategy, bench.component.pointer.pointee.claims & UInt32(claim) != 0 else {
      return .skipped("it does not claim it")
    }
    let rig = try bench.rig(RigShape(rows: 7, width: 6))
    guard !(rig is LogitsRig) else { return .skipped("logits have no vectors to move") }
    guard !(rig is AugmenterRig) else { return .skipped("tokens are no vectors to move") }
    try body(ClaimCheck(bench, rig))
    return .passed
  }
}

/// Moves the inputs of a component and compares what comes out.
private struct ClaimCheck {
  private let bench: ComponentBench
  private let rig: Rig
  private let inputs: [[Float]]
  private let further: [[Float]]
  private let outputs: [[Float]]
  private let loss: Double

  init(_ bench: ComponentBench, _ rig: Rig) throws {
    (self.bench, self.rig) = (bench, rig)
    inputs = rig.inputs.map(\.values)
    further = rig.furtherInputs.map(\.values)
    loss = try bench.once(rig)
    outputs = rig.outputs.map(\.values)
  }

  private var rows: Int { rig.shape.rows }

  /// A permutation without a pattern.
  func permutation() throws {
    let order = [3, 0, 6, 2, 5, 1, 4]
    let moved = try (rig as? PoolerRig)?.permuted(order) ?? rig
    if let batch = rig as? BatchRig {
      batch.rows.label { order[$0] }
      for (input, values) in zip(batch.inputs + batch.furtherInputs, inputs + further) {
        input.values = order.flatMap { values[$0 * input.width..<($0 + 1) * input.width] }
      }
    }
    let other = try bench.once(moved)
    try same(other, "permutation equivariance")
    for (output, values) in zip(moved.outputs, outputs) {
      let square = output.label.hasPrefix("gain") || output.label.hasPrefix("bias")
      // Vectors that belong to no row stay; of cells both sides move where both are rows.
      guard output.rows == rows else { continue }
      for (row, source) in order.enumerated() {
        for k in 0..<output.width {
          let column = square && output.width == rows ? order[k] : k
          try same(
            output.values[row * output.width + k], values[source * output.width + column],
            "permutation equivariance (\(output.label), row \(row))")
        }
      }
    }
  }

  func scale() throws {
    // Of a batch only the raw vectors get longer.
    let count = rig is BatchRig ? rig.inputs.count / 2 : rig.inputs.count
    for index in 0..<count { rig.inputs[index].values = inputs[index].map { 3 * $0 } }
    if let batch = rig as? BatchRig {
      for (index, isUnit) in batch.encodings.isUnit.enumerated() where !isUnit {
        batch.encodings.fields[index].values = further[index].map { 3 * $0 }
      }
    }
    try same(try bench.once(rig), "scale invariance")
    for (output, values) in zip(rig.outputs, outputs) where !output.label.hasPrefix("bias") {
      for row in 0..<output.rows {
        let range = row * output.width..<(row + 1) * output.width
        let (now, then) = (unit(output.values[range]), unit(values[range]))
        for (a, b) in zip(now, then) { try same(a, b, "scale invariance (\(output.label), row \(row))") }
      }
    }
  }

  func rotation() throws {
    for (input, values) in zip(rig.inputs + rig.furtherInputs, inputs + further) {
      input.values = rotated(values, input.width)
    }
    try same(try bench.once(rig), "rotation invariance")
    for (output, values) in zip(rig.outputs, outputs) where output.tensor.shape.last == rig.shape.width {
      let isCells = output.label.hasPrefix("gain") || output.label.hasPrefix("bias")
      let expected = isCells ? values : rotated(values, rig.shape.width)
      for (now, then) in zip(output.values, expected) { try same(now, then, "rotation invariance (\(output.label))") }
    }
  }

  /// In the plane of the first two axes.
  private func rotated(_ values: [Float], _ width: Int) -> [Float] {
    var result = values
    for start in stride(from: 0, to: values.count, by: width) where width > 1 {
      result[start] = 0.6 * values[start] - 0.8 * values[start + 1]
      result[start + 1] = 0.8 * values[start] + 0.6 * values[start + 1]
    }
    return result
  }

  private func unit(_ values: ArraySlice<Float>) -> [Float] {
    let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return values.map { $0 / max(length, 1e-8) }
  }

  private func same(_ now: Double, _ what: String) throws {
    guard rig.outputs.isEmpty else { return }
    try expect(abs(now - loss) <= 1e-4 * max(1, abs(loss)), "it claims \(what), but \(loss) became \(now)")
  }

  private func same(_ now: Float, _ then: Float, _ what: String) throws {
    try expect(
      now == then || abs(now - then) <= 1e-4 * max(1, abs(then)), "it claims \(what), but \(then) became \(now)")
  }
}
