// Rows that are read while a device computes make the same batches, and no row is read twice for it.

import Encoder
import Host
import Objective
import Synchronization
import TestSupport
import Testing
import Tokenizer
import Training

/// Counts the lines that go through another tokenizer.
private final class CountingTokenizer: Tokenizer {
  private let own: any Tokenizer
  private let lines = Atomic<Int>(0)

  init(_ own: any Tokenizer) { self.own = own }

  var count: Int { lines.load(ordering: .relaxed) }
  var vocabularySize: Int { own.vocabularySize }
  var specialIDs: Set<Int32> { own.specialIDs }
  var startID: Int32 { own.startID }
  var endID: Int32 { own.endID }
  var padID: Int32 { own.padID }
  var maskID: Int32? { own.maskID }
  var maximumLength: Int? { own.maximumLength }
  var wordMarks: WordMarks { own.wordMarks }
  func token(_ id: Int32) -> String? { own.token(id) }
  func text(of ids: [Int32]) -> [UInt8]? { own.text(of: ids) }
  func makeEncoder() -> any LineEncoder {
    Counting(own.makeEncoder()) { _ = self.lines.add(1, ordering: .relaxed) }
  }

  private final class Counting: LineEncoder {
    private let own: any LineEncoder
    private let count: () -> Void

    init(_ own: any LineEncoder, count: @escaping () -> Void) { (self.own, self.count) = (own, count) }

    func encode(_ utf8: UnsafeBufferPointer<UInt8>, maximumLength: Int) -> TokenizedLine {
      count()
      return own.encode(utf8, maximumLength: maximumLength)
    }
  }
}

struct BatchMakerTests {
  @Test func rowsReadAheadAreReadOnce() throws {
    let file = try TemporaryFile("pairs.tsv", (0..<12).map { "anchor \($0)\tpositive \($0)" }.joined(separator: "\n"))
    let tokenizer = CountingTokenizer(try TokenizerFolder.load(Resources.fixture("tokenizer/byte-level")))
    let data = try file.open()
    let make = BatchMaker(data: data, tokenizer: tokenizer, maximumLength: 32, threads: 2)
    func batch(_ rows: [Int]) throws -> TokenBatch { try make.batch(rows: rows, at: StepPosition()) }

    let (first, second) = (try batch([3, 1, 2]), try batch([7, 0]))
    #expect(tokenizer.count == 10)
    make.prepare(rows: [7, 0])
    #expect(tokenizer.count == 14)
    let ahead = try batch([7, 0])
    #expect(tokenizer.count == 14, "what was read ahead was read again")
    #expect(ahead.packed.tokens == second.packed.tokens && ahead.packed.offsets == second.packed.offsets)
    #expect(ahead.rowIDs == second.rowIDs && ahead.textIDs == second.textIDs)
    // Others than those are what is asked for, as after a step that is done again.
    make.prepare(rows: [7, 0])
    let again = try batch([3, 1, 2])
    #expect(again.packed.tokens == first.packed.tokens && again.textIDs == first.textIDs)
    #expect(first.packed.tokens != second.packed.tokens && tokenizer.count == 24)
  }
}
