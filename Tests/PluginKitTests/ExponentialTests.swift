// Powers of e over rows, against the C library in double precision.

import Foundation
import PluginKit
import Testing

@Suite struct ExponentialTests {
  @Test(arguments: [1, 2, 15, 16, 17, 48, 131]) func sumsAndGradients(count: Int) {
    var values = (0..<count).map { Float(sin(Double($0) * 1.7)) * 40 }
    if count > 4 { values[3] = -.infinity }
    let tensor = HandmadeTensor([1, count], values: values)
    let row = tensor.matrix[0]
    let peak = row.largest
    #expect(peak == values.max())
    for range in [0..<count, 0..<(count / 2), (count / 3)..<count, 0..<0] {
      let wanted = range.reduce(0.0) { $0 + exp(Double(values[$1]) - Double(peak)) }
      #expect(abs(row.sumOfExponentials(range, less: peak) - wanted) <= 1e-13 * wanted)
      let sums = HandmadeTensor([1, count], values: [Float](repeating: 0.25, count: count))
      sums.matrix[0].addExponentials(of: row, range, less: peak, times: 2)
      for k in 0..<count {
        let wanted = 0.25 + (range.contains(k) ? 2 * exp(Double(values[k]) - Double(peak)) : 0)
        #expect(abs(Double(sums.numbers[k]) - wanted) <= 3e-7 * wanted, "number \(k)")
      }
    }
  }

  @Test func everyPower() {
    for step in 0...7000 {
      let value = Float(step) * -0.1
      let (exact, tensor) = (exp(Double(value)), HandmadeTensor([1, 1], values: [value]))
      let found = tensor.matrix[0].sumOfExponentials(0..<1, less: 0)
      #expect(abs(found - exact) <= 2e-14 * exact, "\(value)")
      let single = HandmadeTensor([1, 1], values: [0])
      single.matrix[0].addExponentials(of: tensor.matrix[0], 0..<1, less: 0, times: 1)
      let wanted = value < -87 ? 0 : exact
      #expect(abs(Double(single.numbers[0]) - wanted) <= 2.5e-7 * wanted, "\(value)")
    }
    let far = HandmadeTensor([1, 2], values: [-701, -.infinity])
    #expect(far.matrix[0].sumOfExponentials(0..<2, less: 0) == 0)
  }
}
