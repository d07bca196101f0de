// The tokens and scores of a Unigram model as its files hold them. Made by TokenizerJSON and SentencePieceFile.

import Files

/// Tokens with their scores; the id is the place.
struct UnigramVocabulary {
  let entries: [Vocabulary.Entry]
  let scores: [Double]
  /// Where they come from, for errors.
  let file: String

  /// How the numbers of a tokenizer.json become scores, which decides ties.
  enum Rounding {
    /// To the nearest: Python reads the file, as for classes that make their tokenizer themselves.
    case nearest
    /// As the package itself reads it: digits, then a division, each rounded.
    case twice
  }

  init(entries: [Vocabulary.Entry], scores: [Double], file: String) throws {
    guard !entries.isEmpty else { throw TokenizerError.emptyVocabulary(file: file) }
    self.entries = entries
    self.scores = scores
    self.file = file
  }

  /// Reads the list of pairs of token and score.
  init(_ node: JSONNode, _ rounding: Rounding) throws {
    guard let pairs = node.value.array else { throw node.expected("an array of tokens with their scores") }
    var entries: [Vocabulary.Entry] = []
    var scores: [Double] = []
    entries.reserveCapacity(pairs.count)
    scores.reserveCapacity(pairs.count)
    for (index, pair) in pairs.enumerated() {
      guard let pair = pair.array, pair.count == 2, let token = pair[0].string, let score = pair[1].double else {
        let place = JSONNode(pair, file: node.file, path: "\(node.path)[\(index)]")
        throw place.expected("a token and its score, as [\"token\", -1.5]")
      }
      entries.append((bytes: Array(token.utf8), id: Int32(truncatingIfNeeded: index)))
      scores.append(rounding == .twice ? Self.roundedTwice(score) : score)
    }
    try self.init(entries: entries, scores: scores, file: node.file)
  }

  /// The id that a file or a class gives the unknown token, if it is one.
  func checked(unknownID: Int) throws -> Int32 {
    guard entries.indices.contains(unknownID) else {
      throw TokenizerError.invalid(
        file: file, at: "the unknown token", expected: "an id below \(entries.count), the number of tokens",
        found: "\(unknownID)")
    }
    return Int32(truncatingIfNeeded: unknownID)
  }

  /// What Rust's serde_json makes of the shortest digits of a number: all digits as an integer, rounded, then divided
  /// by a power of ten, rounded again. One number in seven comes out a neighbour of the one that was written.
  static func roundedTwice(_ number: Double) -> Double {
    var digits: UInt64 = 0
    var exponent = 0
    var isFraction = false
    var text = Substring(number.magnitude.description)
    while let character = text.popFirst(), character != "e" {
      if character == "." {
        isFraction = true
      } else if let digit = character.wholeNumberValue {
        digits = digits &* 10 &+ UInt64(digit)
        if isFraction { exponent -= 1 }
      }
    }
    exponent += Int(text) ?? 0
    guard powers.indices.contains(abs(exponent)) else { return number }
    let rounded = exponent < 0 ? Double(digits) / powers[-exponent] : Double(digits) * powers[exponent]
    return number.sign == .minus ? -rounded : rounded
  }

  private static let powers: [Double] = (0...308).compactMap { Double("1e\($0)") }
}
