// Times encoding for Benchmarks/tokenizer/compare.py, which interleaves it with the PyPI package. No part of the
// ordinary tests: runs only where CSE_TOKENIZER_SPEED names a text file.

import Foundation
import TestSupport
import Testing
import Tokenizer

@Suite(.serialized) struct SpeedTests {
  private static let environment = ProcessInfo.processInfo.environment

  @Test(
    .enabled(
      if: environment["CSE_TOKENIZER_SPEED"] != nil, "it measures, and is run by Benchmarks/tokenizer/compare.py only"))
  func timesEncoding() throws {
    let file = try #require(Self.environment["CSE_TOKENIZER_SPEED"])
    let folder = try #require(Self.environment["CSE_TOKENIZER_FOLDER"])
    let threads = Self.environment["CSE_TOKENIZER_THREADS"].flatMap { Int($0) } ?? 1
    let length = Self.environment["CSE_TOKENIZER_LENGTH"].flatMap { Int($0) } ?? 1 << 30
    let clock = ContinuousClock()
    var loaded: (any Tokenizer)?
    let loading = try clock.measure { loaded = try TokenizerFolder.load(folder) }
    let tokenizer = try #require(loaded)
    let text = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
    let ranges = lines(of: text)
    var tokens = 0
    let encoding = text.withUnsafeBufferPointer { text in
      clock.measure {
        let lines = tokenizer.encodeAll(in: text, ranges: ranges, maximumLength: length, threads: threads)
        tokens = lines.reduce(0) { $0 + $1.ids.count }
      }
    }
    print("tokenizer-speed load \(loading / .seconds(1)) encode \(encoding / .seconds(1)) tokens \(tokens)")
  }
}
