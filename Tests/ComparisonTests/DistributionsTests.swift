// Quantiles, tails and corrections against SciPy.

import Comparison
import TestSupport
import Testing

@Suite("distributions")
struct DistributionsTests {
  private let fixture: StatisticsFixture

  init() throws { fixture = try StatisticsFixture.load() }

  @Test("normal and t quantiles, t tails, the incomplete beta function")
  func quantiles() {
    for item in fixture.normal {
      let found = Distributions.normalUpperQuantile(item[0])
      #expect(isClose(found, item[1], absolute: 1e-13, relative: 1e-11), "\(item), \(found)")
    }
    for item in fixture.t {
      let found = Distributions.tUpperQuantile(item[1], freedom: item[0])
      #expect(isClose(found, item[2], absolute: 1e-14, relative: 1e-10), "\(item), \(found)")
    }
    for item in fixture.tTail {
      let found = Distributions.tTail(item[1], freedom: item[0])
      #expect(isClose(found, item[2], relative: 1e-11), "\(item), \(found)")
    }
    for item in fixture.beta {
      let found = Distributions.incompleteBeta(item[0], item[1], item[2])
      #expect(isClose(found, item[3], absolute: 1e-15, relative: 1e-10), "\(item), \(found)")
    }
  }

  @Test("Holm's correction, and levels at which intervals agree with it")
  func holm() {
    for item in fixture.holm {
      let corrected = HolmCorrection.apply(item[0], planned: Int(item[2][0]))
      for (index, value) in corrected.enumerated() {
        #expect(isClose(value.pValue, item[1][index], relative: 1e-12), "\(item)")
        #expect((item[0][index] < value.level) == (value.pValue < 0.05), "\(item), \(value)")
      }
    }
  }
}
