// Activations and softmax against the C library in double; derivatives against central differences.

import CKernels
import Foundation
import Kernels
import Testing

@Suite struct ActivationTests {
  private func exact(_ kind: Activation, _ x: Double) -> Double {
    switch kind {
    case .gelu: return 0.5 * x * erfc(-x / 2.0.squareRoot())
    case .geluTanh: return 0.5 * x * (1 + Foundation.tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    case .relu: return max(x, 0)
    case .tanh: return Foundation.tanh(x)
    }
  }

  /// Values alone: the kernel that adds a bias, with none to add.
  private func forward(_ kind: Activation, _ x: [Float], into y: inout [Float]) {
    var copy = x
    let zeros = [Float](repeating: 0, count: x.count)
    ck_bias_activation_forward(
      kind.kernel, 1, Int64(x.count), zeros, &copy, Int64(x.count), &y, Int64(x.count))
  }

  private static let grid: [Float] = (-12_000...12_000).map { Float($0) / 1000 + 0.0003 }

  @Test(arguments: [Activation.gelu, .geluTanh, .relu, .tanh]) func valuesAndSlopes(kind: Activation) {
    let x = Self.grid
    var y = [Float](repeating: 0, count: x.count)
    forward(kind, x, into: &y)
    let zeros = [Float](repeating: 0, count: x.count)
    var (again, d, sums) = (zeros, [Float](repeating: 1, count: x.count), zeros)
    ck_activation_backward(kind.kernel, 1, Int64(x.count), x, &again, &d, &sums)
    #expect(again == y && sums == d)
    var (worst, worstSlope) = (0.0, 0.0)
    for (i, value) in doubles(x).enumerated() {
      worst = max(worst, abs(Double(y[i]) - exact(kind, value)) / max(1, abs(value)))
      let slope = (exact(kind, value + 1e-6) - exact(kind, value - 1e-6)) / 2e-6
      worstSlope = max(worstSlope, abs(Double(d[i]) - slope))
    }
    #expect(worst < 2.5e-7 && worstSlope < 2.5e-6, "\(kind): \(worst), slope \(worstSlope)")
  }

  /// With a bias, on rows that lie apart: beside its input or in its place, and nothing between the rows is written.
  @Test(arguments: [Activation.gelu, .geluTanh, .relu, .tanh], [1, 13, 40])
  func biasedRows(kind: Activation, width: Int) {
    let (rows, apart, yApart) = (3, width + 5, width + 2)
    let (x, bias) = (randomValues(rows * apart, seed: 1, scale: 3), randomValues(width, seed: 2))
    var (kept, inPlace, y) = (x, x, [Float](repeating: 7, count: rows * yApart))
    ck_bias_activation_forward(
      kind.kernel, Int64(rows), Int64(width), bias, &kept, Int64(apart), &y, Int64(yApart))
    ck_bias_activation_in_place(kind.kernel, Int64(rows), Int64(width), bias, &inPlace, Int64(apart))
    for row in 0..<rows {
      for i in 0..<apart {
        let at = row * apart + i
        let biased = i < width ? x[at] + bias[i] : x[at]
        #expect(kept[at] == biased)
        #expect(inPlace[at] == (i < width ? y[row * yApart + i] : biased))
        if i < width { #expect(abs(Double(inPlace[at]) - exact(kind, Double(biased))) < 1e-6) }
      }
      for i in width..<yApart { #expect(y[row * yApart + i] == 7) }
    }
  }

  /// f(x) times a gate, with dropout, on rows that lie apart: beside its input or in its place, and back.
  @Test(arguments: [Activation.gelu, .geluTanh, .relu, .tanh], [(1, Float(0)), (13, 0.3), (40, 0.3), (150, 0)])
  func gatedUnits(kind: Activation, shape: (width: Int, rate: Float)) {
    let (rows, width) = (3, shape.width)
    let (apart, yApart) = (2 * width + 5, width + 2)
    let dropout = RandomStream(seed: 7, name: "gated").dropout(rate: shape.rate, step: 3)
    let (x, bias) = (randomValues(rows * apart, seed: 1, scale: 3), randomValues(2 * width, seed: 2))
    // Features from 128 on, as those of a second stretch.
    let unit = ck_gated(
      kind: kind.kernel, rows: ck_rows(first: 5, count: Int64(rows), width: Int64(width), numbers: nil),
      stride: Int64(apart), first: 128, dropout: dropout)
    func plain(_ x: [Double], _ bias: [Double]) -> [Double] {
      (0..<rows * width).map { at in
        let (r, i) = at.quotientAndRemainder(dividingBy: width)
        let (value, gate) = (x[r * apart + i] + bias[i], x[r * apart + width + i] + bias[width + i])
        return exact(kind, value) * gate * rowFactor(dropout, row: r + 5, feature: 128 + i)
      }
    }
    var (kept, inPlace, y) = (x, x, [Float](repeating: 7, count: rows * yApart))
    bias.withUnsafeBufferPointer { bias in
      guard let start = bias.baseAddress else { return }
      kept.withUnsafeMutableBufferPointer { kept in
        guard let x = kept.baseAddress else { return }
        ck_gated_forward(unit, start, start + width, x, x + width, &y, Int64(yApart))
      }
      inPlace.withUnsafeMutableBufferPointer { kept in
        guard let x = kept.baseAddress else { return }
        ck_gated_forward(unit, start, start + width, x, x + width, x, Int64(apart))
      }
    }
    let truth = plain(doubles(x), doubles(bias))
    for row in 0..<rows {
      for i in 0..<width {
        #expect(abs(Double(y[row * yApart + i]) - truth[row * width + i]) < 1e-5)
        #expect(inPlace[row * apart + i] == y[row * yApart + i])
        #expect(kept[row * apart + i] == x[row * apart + i] + bias[i])
        #expect(kept[row * apart + width + i] == x[row * apart + width + i] + bias[width + i])
      }
      for i in (2 * width)..<apart { #expect(kept[row * apart + i] == x[row * apart + i]) }
      for i in width..<yApart { #expect(y[row * yApart + i] == 7) }
    }

    let up = randomValues(rows * width, seed: 4)
    var (d, again) = ([Float](repeating: 0, count: rows * 2 * width), up)
    for at in 0..<rows * width { d[at / width * 2 * width + at % width] = up[at] }
    var sums = [Float](repeating: 0, count: 2 * width)
    kept.withUnsafeBufferPointer { kept in
      d.withUnsafeMutableBufferPointer { d in
        sums.withUnsafeMutableBufferPointer { sums in
          guard let x = kept.baseAddress, let d = d.baseAddress, let sums = sums.baseAddress else { return }
          ck_gated_backward(unit, x, x + width, &again, d, d + width, Int64(2 * width), sums, sums + width)
        }
      }
    }
    #expect(relativeError(again, truth) < 1e-5)
    let slopes = centralDifferences(doubles(bias)) { dot(plain(doubles(x), $0), doubles(up)) }
    #expect(relativeError(sums, slopes, floor: 0.1) < 2e-5)
    let rowSlopes = centralDifferences(doubles(x)) { dot(plain($0, doubles(bias)), doubles(up)) }
    let inner = (0..<rows).flatMap { r in (0..<2 * width).map { rowSlopes[r * apart + $0] } }
    #expect(relativeError(d, inner, floor: 0.1) < 2e-5)
  }

  @Test func smallValuesKeepTheirDigits() {
    let x: [Float] = [-6, -5, -4, -1e-4, 1e-7, 0.01, 0.1, 0.29, 0.31]
    var y = [Float](repeating: 0, count: x.count)
    for kind in [Activation.gelu, .tanh] {
      forward(kind, x, into: &y)
      for (value, found) in zip(x, y) {
        let truth = exact(kind, Double(value))
        #expect(abs(Double(found) - truth) <= 3e-6 * abs(truth), "\(kind) of \(value)")
      }
    }
  }

  @Test func notANumberStaysOne() {
    var y: [Float] = [0]
    for kind in [Activation.gelu, .geluTanh, .relu, .tanh] {
      forward(kind, [.nan], into: &y)
      #expect(y[0].isNaN, "\(kind)")
    }
  }

  @Test(arguments: [1, 2, 16, 37, 128]) func softmax(width: Int) {
    let rows = 3
    var x = randomValues(rows * width, seed: 8, scale: 20)
    let logits = doubles(x)
    func plain(_ z: [Double]) -> [Double] {
      (0..<rows).flatMap { r in
        let row = z[r * width..<(r + 1) * width]
        let e = row.map { exp($0 - (row.max() ?? 0)) }
        return e.map { $0 / e.reduce(0, +) }
      }
    }
    ck_softmax_forward(Int64(rows), Int64(width), &x, Int64(width))
    #expect(relativeError(x, plain(logits)) < 1e-6)
  }
}
