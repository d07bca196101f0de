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

  /// Words are one or two letters: of tokens from 10 on in lower case, of those from 500 on in upper case; a word of
  /// upper case is made into two tokens where its letter is `C`.
  private static let vocabulary = VocabularyTexts(
    size: 1000, token: { _ in nil },
    text: { ids in ids.map { UInt8(($0 < 500 ? 97 : 65) + ($0 - 10) % 26) } },
    encode: { text in
      text.flatMap { letter -> [Int32] in letter == 67 ? [502, 503] : [Int32(letter) - (letter < 97 ? -445 : 87)] }
    })

  private func instance(_ name: String, _ settings: [(String, String)], _ world: TestWorld) throws -> PluginInstance {
    let component = try world.registry.component(.augmenter, name)
    let instance = try PluginInstance(
      component: component, values: ParameterValues(for: component, settings: settings), name: name,
      services: world.services, seed: 42)
    var limits = PluginLimits(maxRows: 64, width: 8, maxTokens: 4096, maxSequences: 128, layerCount: 2, viewCount: 2)
    limits.vocabulary = Self.vocabulary
    try instance.prepare(limits)
    return instance
  }

  /// The sentences of several batches; the last is the first batch again.
  private func batches(_ name: String, _ settings: [(String, String)] = [], count: Int = 20) throws -> [[[Int32]]] {
    let world = try TestWorld()
    let instance = try instance(name, settings, world)
    return try ((0..<Int64(count)) + [0]).map { step in
      instance.begin(StepPosition(step: Int64(step)))
      return try instance.augment(view, within: bounds).sequences
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

  @Test func dropoutIsDrawnForEachText() throws {
    let world = try TestWorld()
    let instance = try instance("dropout", [("rate", "0.3"), ("spread", "0.1")], world)
    var rates: [Float] = []
    for step in 0..<20 {
      instance.begin(StepPosition(step: Int64(step)))
      let made = try instance.augment(view, within: bounds)
      #expect(made.sequences == view.sequences)
      rates += made.dropout
    }
    #expect(rates.count == 20 * 64 && Set(rates).count > 1200)
    #expect(rates.allSatisfy { (0.2...0.4).contains($0) })
    // Evenly: the mean of 1,280 draws with deviation 0.1 / sqrt(3).
    let mean = rates.reduce(0) { $0 + Double($1) } / Double(rates.count)
    #expect(abs(mean - 0.3) < 5 * 0.1 / (3.0 * 1280).squareRoot())
    try instance.values.set("spread", to: 0)
    try instance.values.set("rate", to: 0.15)
    #expect(try instance.augment(view, within: bounds).dropout == [Float](repeating: 0.15, count: 64))
    // Who sets none leaves what an earlier one set.
    var set = view
    set.dropout = (0..<64).map { Float($0) / 100 }
    #expect(try self.instance("shuffle", [], world).augment(set, within: bounds).dropout == set.dropout)
  }

  @Test func whatIsNoProbabilityIsRefused() throws {
    let world = try TestWorld()
    let instance = try instance("delete", [], world)
    for rate: Float in [1, -0.5, .nan] {
      var set = view
      set.dropout[3] = rate
      #expect { try instance.augment(set, within: bounds) } throws: { "\($0)".contains("dropout of sequence 3") }
    }
  }

  @Test func addedViewsAreMadeOfThePositives() throws {
    let world = try TestWorld()
    for name in ["repeat", "delete", "cutoff", "shuffle", "switch-case", "dropout"] {
      let instance = try instance(name, [("edits", "added")], world)
      #expect(instance.plan.addsView && instance.plan.editedViews == [1])
    }
  }

  /// With rate 1 every word's first letter changes; the other letters stay, and a text may grow to twice its length.
  @Test func switchedCase() throws {
    let world = try TestWorld()
    let every = try instance("switch-case", [("rate", "1")], world)
    let view = TokenView(
      view: 1, sequences: [[1, 12, 13, 14, 2], [1, 12, 12, 2], [1, 540, 2]],
      words: [[-1, 0, 0, 1, -1], [-1, 0, 1, -1], [-1, 0, -1]], rowIDs: [0, 1, 2])
    // "cd", "e"; "c", "c"; token 540 is "K".
    let made = try every.augment(view, within: bounds).sequences
    #expect(made == [[1, 502, 503, 13, 514, 2], [1, 502, 503, 502, 503, 2], [1, 20, 2]])
    // Longer than the encoder takes: the word that does not fit stays.
    let short = TokenBounds(vocabularySize: 1000, maximumTokens: 5, maskID: nil, padID: nil)
    let kept = try every.augment(view, within: short).sequences
    #expect(kept == [[1, 12, 13, 514, 2], [1, 502, 503, 12, 2], [1, 20, 2]])
    let some = try batches("switch-case", [("rate", "0.25")])
    var (switched, words) = (0, 0)
    for batch in some.dropLast() {
      for (sequence, source) in zip(batch, self.view.sequences) {
        let starts = Array(stride(from: 1, to: source.count - 1, by: 2))
        // Where a word would grow, tokens are no longer side by side.
        if starts.contains(where: { source[$0] < 500 && (source[$0] - 10) % 26 == 2 }) { continue }
        switched += starts.count { sequence[$0] != source[$0] }
        words += starts.count
      }
    }
    #expect(words > 1000 && abs(Double(switched) / Double(words) - 0.25) < 5 * (0.1875 / Double(words)).squareRoot())
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
