// Augmenters with real tokenizers: what a word becomes in another case is what the tokenizer makes of the whole line so
// written; added views stand behind those of the data, and later augmenters may edit them.

import Foundation
import Host
import Kernels
import Logging
import TestSupport
import Testing
import Tokenizer
import Training

struct AugmentationTests {
  private let byteLevel: any Tokenizer
  private let lines = [
    "The ferry leaves the old harbour, at seven.", "\u{e9}t\u{e9} in \u{d6}land (two ways)", "42 Birds - none", "a",
    "don't Stop  now", "\u{1F6A2}\u{1F6A2} sail",
  ]

  init() throws { byteLevel = try TokenizerFolder.load(Resources.fixture("tokenizer/byte-level")) }

  private func augmentation(
    _ specs: [String], _ tokenizer: any Tokenizer, views: Int = 2, maximumTokens: Int = 64
  ) throws -> Augmentation {
    let services = HostServices(pool: ThreadPool(threads: 2), logger: Logger(label: "test"))
    let registry = try PluginRegistry(
      searchPath: PluginSearchPath(folders: [Resources.pluginDirectory]), host: services.table)
    let strategy = try StrategyRequest(augmenters: specs, losses: ["infonce"]).resolve(with: registry).strategy
    return try Augmentation(
      strategy.augmenters,
      limits: PluginLimits(
        maxRows: 8, width: 8, maxTokens: 8 * views * 64, maxSequences: 8 * views, layerCount: 3, viewCount: views),
      tokenizer: tokenizer, vocabularySize: tokenizer.vocabularySize, maximumTokens: maximumTokens, services: services,
      seed: 42)
  }

  private func ids(_ lines: [String], _ tokenizer: any Tokenizer, _ length: Int = 64) -> [[Int32]] {
    lines.map { tokenizer.encode($0, maximumLength: length).ids }
  }

  /// The first letter of each stretch between blanks in the other case, written out by hand.
  private let switched = [
    "the Ferry Leaves The Old Harbour, At Seven.", "\u{c9}t\u{e9} In \u{f6}land (Two Ways)", "42 birds - None", "A",
    "Don't stop  Now", "\u{1F6A2}\u{1F6A2} Sail",
  ]

  @Test func aWordInAnotherCaseIsTokenizedAsInItsLine() throws {
    let given = ids(lines, byteLevel)
    let augmentation = try augmentation(["switch-case:rate=1"], byteLevel)
    let made = try augmentation.edit(given + given, rows: Array(0..<6), at: StepPosition())
    #expect(Array(made.sequences[..<6]) == given && made.dropout == nil)
    #expect(Array(made.sequences[6...]) == ids(switched, byteLevel))
    #expect(ids(switched, byteLevel) != given)
    let none = try self.augmentation(["switch-case:rate=0"], byteLevel)
    #expect(try none.edit(given + given, rows: Array(0..<6), at: StepPosition()).sequences == given + given)
    // Half of the words: every text is one of those that can be written.
    let some = try self.augmentation(["switch-case:rate=0.5"], byteLevel)
    var seen = Set<[Int32]>()
    for step in 0..<200 {
      let three = try some.edit([given[2], given[2]], rows: [0], at: StepPosition(step: Int64(step))).sequences[1]
      seen.insert(three)
    }
    #expect(seen == Set(ids(["42 Birds - none", "42 birds - none", "42 Birds - None", "42 birds - None"], byteLevel)))
  }

  @Test func aTokenizerWithoutCaseIsRefused() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/uncased-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try TinyModel().write(to: folder)
    let uncased = try TokenizerFolder.load(folder)
    #expect {
      try augmentation(["switch-case"], uncased)
    } throws: { "\($0)".contains("switch-case needs a cased tokenizer") && "\($0)".contains("plan") }
  }

  @Test func addedViewsComeLast() throws {
    let given = ids(lines, byteLevel)
    let views = given + given + given
    let more = try augmentation(["delete:edits=added,rate=0.5", "dropout:edits=added,rate=0.3"], byteLevel, views: 3)
    #expect(more.addedViews == 2)
    let made = try more.edit(views, rows: Array(0..<6), at: StepPosition())
    #expect(made.sequences.count == 30 && Array(made.sequences[..<18]) == views)
    // Made of the positives: one with fewer words, one with another dropout.
    for (sequence, source) in zip(made.sequences[18..<24], given) {
      #expect(sequence.count <= source.count && Set(sequence).isSubset(of: Set(source)))
    }
    #expect(Array(made.sequences[18..<24]) != given && Array(made.sequences[24...]) == given)
    #expect(made.dropout == [Float](repeating: -1, count: 24) + [Float](repeating: 0.3, count: 6))
    #expect(throws: PluginFailure.self) {
      try augmentation([String](repeating: "delete:edits=added", count: 15), byteLevel)
    }
  }

  @Test func oneAfterTheOther() throws {
    let given = ids(lines, byteLevel)
    let both = try augmentation(["dropout:rate=0.4", "shuffle", "dropout:edits=anchor,rate=0"], byteLevel)
    let made = try both.edit(given + given, rows: Array(0..<6), at: StepPosition())
    #expect(made.dropout == [Float](repeating: 0, count: 6) + [Float](repeating: 0.4, count: 6))
    #expect(zip(made.sequences[6...], given).allSatisfy { $0.sorted() == $1.sorted() })
  }
}
