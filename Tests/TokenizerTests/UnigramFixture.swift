// unigram.json, as Tests/Fixtures/tokenizer/make_unigram.py writes it: SentencePiece models, folders made of them, and
// what Hugging Face's packages make of lines in each.

import Files
import Foundation
import TestSupport
import Testing
import Tokenizer

/// The fixture of the Unigram tests.
struct UnigramFixture {
  /// A folder and what is expected of it.
  struct Case: Decodable, CustomTestStringConvertible {
    var name: String
    var copied: [String: String]
    var special: [Int32]
    var mask: Int32?
    /// Of the first lines the ids, of the others a digest for each `rowsOfRest`.
    var lines: [[Int32]]
    var rest: [Digest]
    var random: [Digest]

    static let rowsOfRest = 25

    var testDescription: String { name }
  }

  private struct Content: Decodable {
    var cases: [Case]
    var lines: [String]
    var models: [String: String]
    var stages: [String: [Digest]]
    var shared: [String: Digest]
    var charsmap: String
  }

  private let content: Content
  /// The same as JSON: folders are written from it.
  private let root: JSONObject

  init() throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: Resources.fixture("tokenizer/unigram.json")))
    content = try JSONDecoder().decode(Content.self, from: data)
    let value = try JSONValue.parse([UInt8](data))
    root = try #require(value.object)
  }

  var cases: [Case] { content.cases }
  var stages: [String: [Digest]] { content.stages }
  var shared: [String: Digest] { content.shared }
  var charsmap: String { content.charsmap }

  /// The lines that every case has ids for.
  var lines: [[UInt8]] {
    content.lines.map { hex in
      let digits = hex.compactMap(\.hexDigitValue)
      return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
  }

  /// A SentencePiece model.
  func model(_ name: String) throws -> [UInt8] {
    let text = try #require(content.models[name])
    return [UInt8](try #require(Data(base64Encoded: text)))
  }

  /// The tokenizer.json that the cases without a copied file change.
  var base: JSONObject {
    get throws { try #require(root["base"]?.object) }
  }

  /// The folder of a case.
  func folder(_ name: String) throws -> TemporaryFolder {
    let index = try #require(content.cases.firstIndex { $0.name == name })
    let entry = try #require(root["cases"]?.array?[index].object)
    let folder = try TemporaryFolder()
    let kind = try #require(entry["kind"]?.string)
    try folder.write("config.json", #"{"model_type": "\#(kind)", "vocab_size": 999}"#)
    try folder.write("tokenizer_config.json", try #require(entry["settings"]).text(indent: nil))
    for (file, model) in content.cases[index].copied { try folder.write(file, Data(try self.model(model))) }
    if let change = entry["change"]?.object {
      var json = try base
      for member in change.members { json[member.key] = member.value }
      try folder.write("tokenizer.json", JSONValue.object(json).text(indent: nil))
    }
    return folder
  }

  func tokenizer(_ name: String) throws -> any Tokenizer {
    let folder = try folder(name)
    defer { withExtendedLifetime(folder) {} }
    return try TokenizerFolder.load(folder.path)
  }
}
