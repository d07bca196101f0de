// LayerNorm with bias, dropout and residual: forward against double, backward against central differences;
// dropout's rate, scale and independence.

import CKernels
import Kernels
import Testing

/// The factor of one element as dropout.h defines it, made of single Philox blocks.
func rowFactor(_ d: ck_dropout, row: Int, feature: Int) -> Double {
  let (group, inner) = feature.quotientAndRemainder(dividingBy: 128)
  let counter = [
    UInt32(group * 16 + inner % 16), UInt32(row), UInt32(truncatingIfNeeded: d.step), UInt32(d.step >> 32),
  ]
  return halfWordFactor(d, counter, half: inner / 16)
}

func halfWordFactor(_ d: ck_dropout, _ counter: [UInt32], half: Int) -> Double {
  guard d.rate.threshold > 0 else { return 1 }
  var words = [UInt32](repeating: 0, count: 4)
  ck_philox_block(counter, [UInt32(truncatingIfNeeded: d.key), UInt32(d.key >> 32)], &words)
  let bits = half % 2 == 0 ? words[half / 2] & 0xffff : words[half / 2] >> 16
  return bits >= d.rate.threshold ? Double(d.rate.scale) : 0
}

@Suite struct NormalizeTests {
  struct Case {
    let rows: Int, width: Int
    let y: [Float], bias: [Float], residual: [Float], gamma: [Float], beta: [Float]
    let dropout: ck_dropout

    init(rows: Int, width: Int, rate: Float) {
      (self.rows, self.width) = (rows, width)
      y = randomValues(rows * width, seed: 1)
      bias = randomValues(width, seed: 2)
      residual = randomValues(rows * width, seed: 3)
      gamma = randomValues(width, seed: 4)
      beta = randomValues(width, seed: 5)
      dropout = RandomStream(seed: 7, name: "site").dropout(rate: rate, step: 3)
    }

    /// What is normalised, in double.
    func sum(_ y: [Double], _ bias: [Double], _ residual: [Double]) -> [Double] {
      (0..<rows * width).map { at in
        let (r, i) = at.quotientAndRemainder(dividingBy: width)
        return residual[at] + rowFactor(dropout, row: r + 5, feature: i) * (y[at] + bias[i])
      }
    }

    /// The definition, in double.
    func forward(_ y: [Double], _ bias: [Double], _ residual: [Double], _ gamma: [Double], _ beta: [Double]) -> [Double]
    {
      let sum = sum(y, bias, residual)
      return (0..<rows).flatMap { r in
        let z = (0..<width).map { sum[r * width + $0] }
        let mean = z.reduce(0, +) / Double(width)
        let variance = z.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
        return (0..<width).map { (z[$0] - mean) / (variance + 1e-5).squareRoot() * gamma[$0] + beta[$0] }
      }
    }
  }

  @Test(arguments: [(3, 5), (2, 16), (1, 48), (4, 131)], [Float(0), 0.3])
  func residualNorm(shape: (Int, Int), rate: Float) {
    let c = Case(rows: shape.0, width: shape.1, rate: rate)
    let rows = ck_rows(first: 5, count: Int64(c.rows), width: Int64(c.width), numbers: nil)
    var (out, xhat, inverse) = (c.y, [Float](repeating: 0, count: c.y.count), [Float](repeating: 0, count: c.rows))
    var (alone, sum) = (c.y, xhat)
    c.gamma.withUnsafeBufferPointer { gamma in
      c.beta.withUnsafeBufferPointer { beta in
        let norm = ck_norm(gamma: gamma.baseAddress, beta: beta.baseAddress, epsilon: 1e-5)
        ck_residual_norm_forward(rows, c.bias, norm, c.dropout, c.residual, &out, &xhat, &inverse, &sum)
        ck_residual_norm_forward(rows, c.bias, norm, c.dropout, c.residual, &alone, nil, nil, nil)
      }
    }
    let inputs = [c.y, c.bias, c.residual, c.gamma, c.beta].map(doubles)
    #expect(relativeError(out, c.forward(inputs[0], inputs[1], inputs[2], inputs[3], inputs[4])) < 2e-6)
    #expect(relativeError(alone, doubles(out)) < 1e-6)
    #expect(relativeError(sum, c.sum(inputs[0], inputs[1], inputs[2])) < 1e-6)

    let up = randomValues(c.y.count, seed: 6)
    var (d, dy) = (up, [Float](repeating: 0, count: up.count))
    let zeros = [Float](repeating: 0, count: c.width)
    var (dGamma, dBeta, dBias) = (zeros, zeros, zeros)
    // With a gradient of the sum itself, as where norms are of inputs, and without.
    for carried in [nil, randomValues(c.y.count, seed: 8)] {
      (d, dy, dGamma, dBeta, dBias) = (up, dy, zeros, zeros, zeros)
      if let carried {
        ck_norm_backward(rows, c.gamma, c.dropout, xhat, inverse, &d, carried, &dy, &dGamma, &dBeta, &dBias)
      } else {
        ck_norm_backward(rows, c.gamma, c.dropout, xhat, inverse, &d, nil, &dy, &dGamma, &dBeta, &dBias)
      }
      for (input, found) in zip(0..., [dy, dBias, d, dGamma, dBeta]) {
        let truth = centralDifferences(inputs[input]) { value in
          var changed = inputs
          changed[input] = value
          let out = dot(c.forward(changed[0], changed[1], changed[2], changed[3], changed[4]), doubles(up))
          return out + (carried.map { dot(c.sum(changed[0], changed[1], changed[2]), doubles($0)) } ?? 0)
        }
        #expect(relativeError(found, truth) < 2e-5, "input \(input) of \(shape)")
      }
    }
  }

  @Test func masksDependOnRowAndFeatureOnly() {
    let width = 300
    let dropout = RandomStream(seed: 1, name: "rate").dropout(rate: 0.1, step: 1 << 40)
    var whole = [Float](repeating: 1, count: 64 * width)
    ck_dropout_rows(ck_rows(first: 0, count: 64, width: Int64(width), numbers: nil), dropout, &whole)
    for row in [0, 17, 63] {
      var single = [Float](repeating: 1, count: width)
      ck_dropout_rows(ck_rows(first: Int64(row), count: 1, width: Int64(width), numbers: nil), dropout, &single)
      #expect(single == Array(whole[row * width..<(row + 1) * width]))
      #expect((0..<width).allSatisfy { Double(single[$0]) == rowFactor(dropout, row: row, feature: $0) })
    }
    var numbered = [Float](repeating: 1, count: 2 * width)
    [Int32(17), 63].withUnsafeBufferPointer {
      let rows = ck_rows(first: 0, count: 2, width: Int64(width), numbers: $0.baseAddress)
      ck_dropout_rows(rows, dropout, &numbered)
    }
    #expect(Array(numbered[0..<width]) == Array(whole[17 * width..<18 * width]))
    #expect(Array(numbered[width...]) == Array(whole[63 * width..<64 * width]))
  }

  @Test(arguments: [Float(0.05), 0.1, 0.5, 0.9]) func rateAndScale(rate: Float) {
    let (rows, width) = (1000, 384)
    var x = [Float](repeating: 1, count: rows * width)
    let dropout = RandomStream(seed: 2, name: "rate").dropout(rate: rate, step: 9)
    ck_dropout_rows(ck_rows(first: 0, count: Int64(rows), width: Int64(width), numbers: nil), dropout, &x)
    let dropped = Double(x.count { $0 == 0 }) / Double(x.count)
    #expect(abs(dropped - Double(rate)) < 0.004)
    #expect(x.allSatisfy { $0 == 0 || abs($0 - 1 / (1 - rate)) < 2e-4 / (1 - rate) })
    let mean = x.reduce(0.0) { $0 + Double($1) } / Double(x.count)
    #expect(abs(mean - 1) < 0.01)
  }
}
