// Each second of a step is counted once, products with their operations, and nothing outside of a step.

import Foundation
import Kernels
import Testing

@Suite struct ProfileTests {
  @Test func innerPhasesTakeTheirTimeFromOuterOnes() {
    let profile = ThreadPool(threads: 1).profile
    profile.measure("outside/nothing") {}
    #expect(profile.phases.isEmpty)
    let began = ContinuousClock.now
    for _ in 0..<3 {
      profile.step("step/rest") {
        profile.measure("a/outer") {
          Thread.sleep(forTimeInterval: 0.01)
          profile.measure("a/inner") { Thread.sleep(forTimeInterval: 0.02) }
        }
      }
    }
    let whole = (ContinuousClock.now - began) / .seconds(1)
    let seconds = Dictionary(uniqueKeysWithValues: profile.phases.map { ($0.name, $0.seconds) })
    #expect(profile.steps == 3)
    #expect(profile.phases.map(\.name) == ["step/rest", "a/outer", "a/inner"])
    #expect(profile.phases.map(\.group) == ["step", "a", "a"])
    #expect(profile.phases.allSatisfy { $0.calls == 3 })
    // Sleeping takes no less than asked for; all phases together no more than all there was.
    #expect((seconds["a/outer"] ?? 0) >= 0.03)
    #expect((seconds["a/inner"] ?? 0) >= 0.06)
    #expect(seconds.values.reduce(0, +) <= whole)
  }

  @Test func productsAreCountedWithTheirPhase() {
    let pool = ThreadPool(threads: 2)
    let (m, n, k) = (300, 70, 50)
    let (a, b, c) = (FloatBuffer(count: m * k), FloatBuffer(count: k * n), FloatBuffer(count: m * n))
    func product() {
      gemm(
        pool, .no, .no, m: m, n: n, k: k, alpha: 1, a: a.pointer, lda: k, b: b.pointer, ldb: n, beta: 0, c: c.pointer,
        ldc: n)
    }
    product()
    pool.profile.step("step/rest") {
      pool.profile.measure("x/one") { product() }
      pool.profile.measure("x/two") {
        product()
        product()
        pool.profile.count(operations: 5)
      }
    }
    product()
    let phases = Dictionary(uniqueKeysWithValues: pool.profile.phases.map { ($0.name, $0) })
    let one = Double(2 * m * n * k)
    #expect(phases["x/one"]?.operations == one)
    #expect(phases["x/two"]?.operations == 2 * one + 5)
    #expect(phases["step/rest"]?.operations == 0)
    for name in ["x/one", "x/two"] {
      let phase = phases[name]
      #expect((phase?.productSeconds ?? 0) > 0)
      #expect((phase?.productSeconds ?? 0) <= 2 * (phase?.seconds ?? 0))
    }
  }

  @Test func aPhaseThatThrowsIsLeft() {
    struct Failure: Error {}
    let profile = ThreadPool(threads: 1).profile
    #expect(throws: Failure.self) {
      try profile.step("step/rest") { try profile.measure("a/b") { throw Failure() } }
    }
    #expect(!profile.isOn)
    profile.step("step/rest") { profile.measure("a/c") {} }
    #expect(profile.phases.map(\.calls) == [2, 1, 1])
  }
}
