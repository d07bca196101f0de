// The tokens of a vocabulary and their ids. Made by the readers under Files, used by every tokenizer.

/// Token strings by id, as bytes: tokens that Swift strings would call equal (é, composed or not) stay apart.
struct Vocabulary: Sendable {
  /// A token with its id.
  typealias Entry = (bytes: [UInt8], id: Int32)

  /// The tokens of the model proper, without those added on top.
  let modelTokens: [Entry]
  private let bytesByID: [[UInt8]?]
  private let idByBytes: [[UInt8]: Int32]

  /// Checks and indexes the tokens. Of a token that comes twice the last id counts, and two tokens may have one id, as
  /// in Hugging Face's tokenizers: no other token's id depends on either.
  /// - Parameters:
  ///   - entries: the model's tokens.
  ///   - added: tokens added on top; those the model has too have the same id.
  ///   - file: where they come from, for errors.
  init(_ entries: [Entry], added: [Entry] = [], file: String) throws {
    guard !entries.isEmpty, let largest = (entries + added).map(\.id).max() else {
      throw TokenizerError.emptyVocabulary(file: file)
    }
    // Ids far beyond the number of tokens are a broken file, and would cost memory.
    let limit = 2 * Int32(clamping: entries.count + added.count) + 1_000_000
    guard largest < limit else {
      throw TokenizerError.invalid(
        file: file, at: "token id \(largest)", expected: "ids below \(limit)", found: "\(largest)")
    }
    var bytesByID = [[UInt8]?](repeating: nil, count: Int(largest) + 1)
    var idByBytes: [[UInt8]: Int32] = [:]
    idByBytes.reserveCapacity(entries.count)
    for entry in entries + added {
      guard entry.id >= 0 else {
        throw TokenizerError.invalid(
          file: file, at: "token \(quoted(entry.bytes))", expected: "an id of at least 0", found: "\(entry.id)")
      }
      idByBytes[entry.bytes] = entry.id
    }
    let counting = entries.filter { idByBytes[$0.bytes] == $0.id }
    for entry in counting + added { bytesByID[Int(entry.id)] = entry.bytes }
    modelTokens = counting
    self.bytesByID = bytesByID
    self.idByBytes = idByBytes
  }

  /// One more than the largest id.
  var size: Int { bytesByID.count }

  func id(of token: [UInt8]) -> Int32? { idByBytes[token] }

  func id(of token: String) -> Int32? { idByBytes[Array(token.utf8)] }

  func bytes(of id: Int32) -> [UInt8]? { bytesByID.indices.contains(Int(id)) ? bytesByID[Int(id)] : nil }
}

/// Bytes as readable text between double quotes, for error messages; long ones are cut.
func quoted(_ bytes: some Sequence<UInt8>) -> String {
  let shown = Array(bytes.prefix(121))
  return "\"\(String(decoding: shown.prefix(120), as: UTF8.self))\(shown.count > 120 ? "…" : "")\""
}
