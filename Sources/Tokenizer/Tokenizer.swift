// What every tokenizer of this module offers: lines of text in, token ids with the special tokens around them out.
// Called by Training, Evaluation, Objective and the command; made by `TokenizerFolder.load`.

/// The token ids of one line, with the special tokens around them.
package struct TokenizedLine: Sendable, Equatable {
  /// The ids, `[CLS] … [SEP]` or `<s> … </s>`.
  package var ids: [Int32]
  /// How many bytes of the line were not valid UTF-8 and were replaced by U+FFFD.
  package var replacedBytes: Int
  /// Whether the line had more tokens than `maximumLength` allows.
  package var truncated: Bool

  /// Makes a line from its ids.
  package init(ids: [Int32], replacedBytes: Int = 0, truncated: Bool = false) {
    self.ids = ids
    self.replacedBytes = replacedBytes
    self.truncated = truncated
  }
}

/// Text to token ids and back; immutable, so that any number of threads may share one.
package protocol Tokenizer: Sendable {
  /// One more than the largest token id, added tokens included.
  var vocabularySize: Int { get }
  /// The ids of all special tokens, the unknown token among them (as `all_special_ids` of transformers).
  var specialIDs: Set<Int32> { get }
  /// The token before every line: `[CLS]` or `<s>`.
  var startID: Int32 { get }
  /// The token after every line: `[SEP]` or `</s>`.
  var endID: Int32 { get }
  /// The token that fills up batches elsewhere; ours are packed and hold none.
  var padID: Int32 { get }
  /// The mask token, where the vocabulary has one.
  var maskID: Int32? { get }

  /// Tokens of a line at most, by what the folder asks for; nil where it names no limit. What the model takes is
  /// another matter.
  var maximumLength: Int? { get }

  /// How the spelling of a token shows whether a word begins with it.
  var wordMarks: WordMarks { get }

  /// Makes the working memory one thread needs; reuse it for many lines.
  func makeEncoder() -> any LineEncoder

  /// The text of a token as the vocabulary spells it (`##ing`, `Ġthe`, `▁the`), or nil for an id that names none.
  func token(_ id: Int32) -> String?

  /// The text that tokens side by side stand for, as UTF-8, or nil where an id names none. Byte-level tokens give their
  /// bytes, the blank before a word among them; parts of a WordPiece word are joined, words have a blank between them.
  func text(of ids: [Int32]) -> [UInt8]?
}

/// A tokenizer with one thread's working memory; never shared between threads.
package protocol LineEncoder: AnyObject {
  /// Encodes one line.
  /// - Parameters:
  ///   - utf8: the text; invalid UTF-8 becomes U+FFFD, one for each maximal subpart, and is counted.
  ///   - maximumLength: the most tokens to return, the two special tokens among them; at least 2.
  func encode(_ utf8: UnsafeBufferPointer<UInt8>, maximumLength: Int) -> TokenizedLine
}

extension Tokenizer {
  /// Encodes one line; for many lines `encodeAll` or an own `makeEncoder()` is faster.
  package func encode(_ utf8: UnsafeBufferPointer<UInt8>, maximumLength: Int) -> TokenizedLine {
    makeEncoder().encode(utf8, maximumLength: maximumLength)
  }

  /// Encodes one line given as a string.
  package func encode(_ text: String, maximumLength: Int) -> TokenizedLine {
    makeEncoder().encode(text, maximumLength: maximumLength)
  }
}

extension LineEncoder {
  /// Encodes one line given as a string.
  package func encode(_ text: String, maximumLength: Int) -> TokenizedLine {
    var text = text
    return text.withUTF8 { encode($0, maximumLength: maximumLength) }
  }
}
