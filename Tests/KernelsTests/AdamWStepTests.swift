// AdamW against the textbook in double, norms against a plain sum, and the finite check.

import Kernels
import TestSupport
import Testing

@Suite struct AdamWStepTests {
  @Test func adamwMatchesItsDefinition() {
    let count = 1003
    let pool = ThreadPool(threads: 2)
    let parameter = Parameter(name: "w", shape: [17, 59], decays: true, learningRateMultiplier: 2)
    let (m, v) = (FloatBuffer(count: count), FloatBuffer(count: count))
    let start = randomValues(count, seed: 4)
    var (value, mean, square) = (
      doubles(start), [Double](repeating: 0, count: count), [Double](repeating: 0, count: count)
    )
    for i in 0..<count { parameter.value[i] = start[i] }
    for step in 1...5 {
      let gradient = randomValues(count, seed: UInt64(step) + 10)
      for i in 0..<count {
        parameter.gradient[i] = gradient[i]
        let g = Double(gradient[i]) * 0.25
        value[i] *= 1 - 0.02 * 0.1
        mean[i] = 0.9 * mean[i] + 0.1 * g
        square[i] = 0.999 * square[i] + 0.001 * g * g
        let (b1, b2) = (1 - power(0.9, step), 1 - power(0.999, step))
        value[i] -= 0.02 * (mean[i] / b1) / ((square[i] / b2).squareRoot() + 1e-8)
      }
      adamwStep(
        pool, parameter, m: m.pointer, v: v.pointer, learningRate: 0.01, weightDecay: 0.1, step: step,
        gradientScale: 0.25)
    }
    #expect(relativeError(Array(UnsafeBufferPointer(start: parameter.value, count: count)), value) < 1e-6)
  }

  private func power(_ base: Double, _ count: Int) -> Double { (0..<count).reduce(1) { p, _ in p * base } }

  @Test(arguments: [0, 1, 15, 17, 40_000, 100_001]) func normOfGradient(count: Int) {
    let buffer = FloatBuffer(count: count)
    for (i, x) in randomValues(count, seed: 6, scale: 3).enumerated() { buffer.pointer[i] = x }
    let plain = (0..<count).reduce(0.0) { $0 + Double(buffer.pointer[$1]) * Double(buffer.pointer[$1]) }
    let norms = (1...3).map { squaredNorm(ThreadPool(threads: $0), buffer.pointer, count) }
    #expect(Set(norms).count == 1)
    #expect(abs(norms[0] - plain) <= 1e-12 * plain)
    for bad in [Float.nan, .infinity, -.infinity] where count > 0 {
      buffer.pointer[count - 1] = bad
      #expect(!squaredNorm(ThreadPool(threads: 2), buffer.pointer, count).isFinite)
    }
  }

  @Test(arguments: [Float(0), 0.1]) func rowsThatWereNeverTouchedMakeNoDifference(weightDecay: Float) {
    let (rows, width) = (131, 19)
    let pool = ThreadPool(threads: 2)
    func table(_ touched: TouchedRows?) -> (parameter: Parameter, m: FloatBuffer, v: FloatBuffer) {
      let count = rows * width
      let parameter = Parameter(
        name: "table", shape: [rows, width], values: FloatBuffer(count: count),
        gradients: FloatBuffer(count: count, sparse: count), offset: 0, decays: true, touched: touched)
      for (i, x) in randomValues(count, seed: 8).enumerated() { parameter.value[i] = x }
      return (parameter, FloatBuffer(count: count), FloatBuffer(count: count))
    }
    let marks = TouchedRows(rows: rows, width: width)
    let (plain, marked) = (table(nil), table(marks))
    for step in 1...4 {
      let hit = (0..<rows).filter { ($0 * 31 + step * 7) % 11 == 0 }
      for (row, x) in zip(hit, randomValues(hit.count, seed: UInt64(step))) {
        marks.mark(row)
        for parameter in [plain.parameter, marked.parameter] { parameter.gradient[row * width + row % width] = x }
      }
      #expect(
        isClose(
          squaredGradientNorm(pool, marked.parameter), squaredGradientNorm(pool, plain.parameter), relative: 1e-12))
      for (parameter, m, v) in [plain, marked] {
        adamwStep(
          pool, parameter, m: m.pointer, v: v.pointer, learningRate: 0.01, weightDecay: weightDecay, step: step)
        parameter.clearGradient(pool)
      }
    }
    for i in 0..<rows * width {
      #expect(plain.parameter.value[i] == marked.parameter.value[i])
      #expect(marked.parameter.gradient[i] == 0)
    }
    let share = (0..<rows).filter { marks[$0] }.count
    #expect(share > 0 && share < rows)
  }
}
