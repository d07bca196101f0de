// The shipped augmenters on made-up sentences: what stays, what changes, how much of it, and that nothing but the batch
// decides it.

import Host
import TestSupport
import Testing

struct AugmenterTests {
  private let bounds = TokenBounds(vocabularySize: 1000, maximumTokens: 40, maskID: 3, padID: 0)
  /// Sentences of 1 to 12 tokens between [CLS] and [SEP]; a word has one or two tokens.
  private let view: TokenView

  init() {
    let lengths = (0..<64).map { 1 + $0 * 5 % 12 }
    view = TokenView(
      view: 1,
      sequences: lengths.enumerated().map { row, length in [1] + (0..<length).map { Int32(10 + 12 * row + $0) } + [2] },
      words: lengths.map { length in [-1] + (0..<length).map { Int32($0 / 2) } + [-1] },
      rowIDs: (0..<64).map { $0 })
  }

  private func instance(_ name: String, _ settings: [(String, String)], _ world: TestWorld) throws -> PluginInstance {
    let component = try world.registry.component(.augmenter, name)
    let instance = try PluginInstance(
      component: component, values: ParameterValues(for: component, settings: settings), name: name,
      services: world.services, seed: 42)
    try instance.prepare(
      PluginLimits(maxRows: 64, width: 8, maxTokens: 4096, maxSequences: 128, layerCount: 2, viewCount: 2))
    return instance
  }

  /// The sentences of several batches; the last is the first batch again.
  private func batches(_ name: String, _ settings: [(String, String)] = [], count: Int = 20) throws -> [[[Int32]]] {
    let world = try TestWorld()
    let instance = try instance(name, settings, world)
    return try ((0..<Int64(count)) + [0]).map { step in
      instance.begin(StepPosition(step: step))
      return try instance.augment(view, within: bounds)
    }
  }

  private func plain(_ sequence: [Int32]) -> [Int32] { Array(sequence.dropFirst().dropLast()) }

  @Test(arguments: ["repeat", "delete", "cutoff", "shuffle"])
  func onlyTheBatchDecides(_ name: String) throws {
    let made = try batches(name, name == "delete" ? [("rate", "0.5")] : [])
    #expect(made.last == made.first)
    #expect(Set(made.dropLast()).count == made.count - 1)
    for batch in made {
      for (sequence, source) in zip(batch, view.sequences) {
        #expect(sequence.first == source.first && sequence.last == source.last)
      }
    }
    // A rate of 0 changes nothing but for `repeat`, which draws from 0 to 2 tokens even then.
    let none = try batches(name, name == "shuffle" ? [("keep", "1")] : [("rate", "0")], count: 1)
    if name != "repeat" { #expect(none[0] == view.sequences) }
  }

  @Test func repeatedTokensStandSideBySide() throws {
    var counts = [Int](repeating: 0, count: 5)
    for batch in try batches("repeat").dropLast() {
      for (sequence, source) in zip(batch, view.sequences) {
        let once = sequence.enumerated().filter { $0.offset == 0 || sequence[$0.offset - 1] != $0.element }
        #expect(once.map(\.element) == source)
        let count = sequence.count - source.count
        let most = min(plain(source).count, max(2, Int(0.32 * Float(plain(source).count))))
        #expect((0...most).contains(count), "\(count) of \(source.count)")
        if plain(source).count == 12 { counts[count] += 1 }
      }
    }
    // Of 12 tokens 0 to 3 are repeated, each as often: 100 texts in 20 batches, by the binomial distribution.
    #expect(counts[4] == 0 && counts[..<4].reduce(0, +) == 20 * view.sequences.count { plain($0).count == 12 })
    let expected = Double(counts.reduce(0, +)) / 4
    for count in counts[..<4] { #expect(abs(Double(count) - expected) < 5 * expected.squareRoot()) }
  }

  @Test func wholeWordsAreDeleted() throws {
    var (kept, all) = (0, 0)
    for batch in try batches("delete", [("rate", "0.3")]).dropLast() {
      for (row, sequence) in batch.enumerated() {
        let source = view.sequences[row]
        let words = Set(zip(source, view.words[row]).filter { sequence.contains($0.0) }.map(\.1))
        // What is left is every token of the words that are left, in order.
        #expect(sequence == zip(source, view.words[row]).filter { words.contains($0.1) }.map(\.0))
        #expect(words.count > 1, "a word stays beside the special tokens")
        guard source.count == 14 else { continue }
        (kept, all) = (kept + words.count - 1, all + 6)
      }
    }
    #expect(abs(Double(kept) / Double(all) - 0.7) < 5 * (0.21 / Double(all)).squareRoot())
    let emptied = try batches("delete", [("rate", "1")], count: 1)
    #expect(emptied[0].allSatisfy { (3...4).contains($0.count) }, "one word of one or two tokens stays")
  }

  @Test func hiddenTokensAndOtherOrders() throws {
    var (hidden, all) = (0, 0)
    for batch in try batches("cutoff", [("rate", "0.25")]).dropLast() {
      for (sequence, source) in zip(batch, view.sequences) {
        #expect(sequence.count == source.count && zip(sequence, source).allSatisfy { $0 == $1 || $0 == 3 })
        (hidden, all) = (hidden + sequence.count { $0 == 3 }, all + plain(source).count)
      }
    }
    #expect(abs(Double(hidden) / Double(all) - 0.25) < 5 * (0.1875 / Double(all)).squareRoot())
    for batch in try batches("shuffle").dropLast() {
      for (sequence, source) in zip(batch, view.sequences) { #expect(plain(sequence).sorted() == plain(source)) }
    }
    let half = try batches("shuffle", [("keep", "0.5")], count: 1)
    let same = zip(half[0], view.sequences).count { $0 == $1 && $0.count > 4 }
    #expect((5...50).contains(same))
  }

  @Test func viewsAreDrawnApart() throws {
    let world = try TestWorld()
    let instance = try instance("shuffle", [("edits", "both")], world)
    #expect(instance.plan.editedViews == [0, 1])
    var anchors = view
    anchors.view = 0
    #expect(try instance.augment(anchors, within: bounds) != instance.augment(view, within: bounds))
  }
}
