// Masking by BERT's rule: how many tokens, what they become, and that nothing else moves.

import TestSupport
import Testing
import Training

@Suite struct TokenMaskingTests {
  private let tokens = (0..<200_000).map { Int32(5 + $0 % 90) }
  private let flags = (0..<200_000).map { UInt8($0 % 10 == 0 ? 1 : 0) }

  private func masking(seed: UInt64 = 1) -> TokenMasking {
    TokenMasking(probability: 0.15, maskID: 4, vocabularySize: 1000, seed: seed)
  }

  @Test func sharesAreThoseOfTheRule() {
    let result = masking().mask(tokens, flags: flags, batch: 7)
    let chosen = result.positions.count
    #expect(isClose(Double(chosen) / 180_000, 0.15, relative: 0.03))
    #expect(result.positions.allSatisfy { flags[$0] == 0 }, "a special token was chosen")
    #expect(zip(result.positions, result.labels).allSatisfy { tokens[$0] == $1 })
    let hidden = result.positions.count { result.tokens[$0] == 4 }
    let kept = result.positions.count { result.tokens[$0] == tokens[$0] }
    #expect(isClose(Double(hidden) / Double(chosen), 0.8, relative: 0.02))
    #expect(isClose(Double(kept) / Double(chosen), 0.1, relative: 0.1))
    let others = Set(result.positions.map { result.tokens[$0] }.filter { $0 != 4 && $0 >= 95 })
    #expect(others.count > 700 && others.allSatisfy { $0 < 1000 })
    let touched = Set(result.positions)
    #expect(tokens.indices.allSatisfy { touched.contains($0) || result.tokens[$0] == tokens[$0] })
  }

  @Test func dependsOnSeedAndBatchOnly() {
    let first = masking().mask(tokens, flags: flags, batch: 7)
    #expect(first == masking().mask(tokens, flags: flags, batch: 7))
    #expect(first != masking().mask(tokens, flags: flags, batch: 8))
    #expect(first != masking(seed: 2).mask(tokens, flags: flags, batch: 7))
  }
}
