// What the tokenizer tests share: the expectations written by Tests/Fixtures/tokenizer/make_expected.py, the digest
// used there, and temporary model folders.

import Foundation
import TestSupport
import Testing
import Tokenizer

/// sum((id[i] + 1) * P^i) mod 2^64, as in make_expected.py.
struct Digest: Decodable, Equatable, CustomStringConvertible {
  var count = 0
  private var value: UInt64 = 0
  private var power: UInt64 = 1

  init() {}

  init(_ ids: some Sequence<Int32>) { add(ids) }

  mutating func add(_ ids: some Sequence<Int32>) {
    for id in ids {
      value &+= (UInt64(id) + 1) &* power
      power &*= 0x100_0000_01B3
      count += 1
    }
  }

  private enum CodingKeys: String, CodingKey { case count, digest }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    count = try container.decode(Int.self, forKey: .count)
    let text = try container.decode(String.self, forKey: .digest)
    value = try #require(UInt64(text, radix: 16))
  }

  static func == (a: Self, b: Self) -> Bool { a.count == b.count && a.value == b.value }

  var description: String { "\(count) ids, digest \(String(value, radix: 16))" }
}

/// Ids as they are or, where there are many, as a digest.
enum ExpectedIDs: Decodable {
  case ids([Int32])
  case digest(Digest)

  init(from decoder: any Decoder) throws {
    if let ids = try? decoder.singleValueContainer().decode([Int32].self) {
      self = .ids(ids)
    } else {
      self = .digest(try Digest(from: decoder))
    }
  }

  func matches(_ found: [Int32]) -> Bool {
    switch self {
    case .ids(let ids): ids == found
    case .digest(let digest): digest == Digest(found)
    }
  }
}

/// expected.json.
struct Expected: Decodable {
  struct Part: Decodable {
    var hex: String
    var times: Int
  }

  struct Line: Decodable {
    var name: String
    var parts: [Part]
    var ids: [String: ExpectedIDs]

    var bytes: [UInt8] { parts.flatMap { part in (0..<part.times).flatMap { _ in bytes(hex: part.hex) } } }

    private func bytes(hex: String) -> [UInt8] {
      let digits = hex.compactMap(\.hexDigitValue)
      return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
  }

  var special: [String: [Int32]?]
  var hostile: [Line]
  var random: [String: [Digest]]
  var stages: [String: [Digest]]

  static func read() throws -> Expected {
    try JSONDecoder().decode(
      Expected.self, from: Data(contentsOf: URL(fileURLWithPath: Resources.fixture("tokenizer/expected.json"))))
  }
}

/// The tokenizers of expected.json, by the names used there.
enum FixtureTokenizers {
  static let wordPieceOptions = [
    "cased": #""do_lower_case": false"#,
    "uncased": #""do_lower_case": true"#,
    "uncased, accents kept": #""do_lower_case": true, "strip_accents": false"#,
    "cased, accents stripped": #""do_lower_case": false, "strip_accents": true"#,
    "ideographs not set apart": #""do_lower_case": false, "tokenize_chinese_chars": false"#,
  ]

  static func load() throws -> [String: any Tokenizer] {
    var all: [String: any Tokenizer] = [:]
    for name in ["byte-level", "byte-level-json", "wordpiece-json"] {
      all[name] = try TokenizerFolder.load(Resources.fixture("tokenizer/\(name)"))
    }
    for (name, options) in wordPieceOptions {
      let folder = try TemporaryFolder()
      try folder.write("vocab.txt", try Data(contentsOf: URL(fileURLWithPath: wordPieceVocabulary)))
      try folder.write("tokenizer_config.json", "{\"tokenizer_class\": \"BertTokenizer\", \(options)}")
      all["wordpiece, \(name)"] = try TokenizerFolder.load(folder.path)
    }
    all["modernbert"] = try modernBERT()
    if let model = Resources.model { all["all-MiniLM-L6-v2"] = try TokenizerFolder.load(model) }
    return all
  }

  /// That of a folder in ModernBERT's form, as make_expected.py makes it.
  static func modernBERT() throws -> any Tokenizer {
    func read(_ name: String) throws -> [String: Any] {
      let data = try Data(contentsOf: URL(fileURLWithPath: Resources.fixture("tokenizer/\(name)")))
      return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }
    let parts = try read("modernbert.json")
    let changes = try #require(parts["tokenizer.json"] as? [String: Any])
    let content = try read("byte-level-json/tokenizer.json").merging(changes) { $1 }
    let folder = try TemporaryFolder()
    try folder.write("tokenizer.json", try JSONSerialization.data(withJSONObject: content))
    let settings = try #require(parts["tokenizer_config.json"])
    try folder.write("tokenizer_config.json", try JSONSerialization.data(withJSONObject: settings))
    try folder.write("config.json", #"{"model_type": "modernbert"}"#)
    return try withExtendedLifetime(folder) { try TokenizerFolder.load(folder.path) }
  }

  static var wordPieceVocabulary: String { Resources.fixture("tokenizer/wordpiece/vocab.txt") }
}

/// A folder that goes away with its last reference.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("tokenizer-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ name: String, _ text: String) throws { try write(name, Data(text.utf8)) }

  func write(_ name: String, _ data: Data) throws {
    try data.write(to: URL(fileURLWithPath: path).appendingPathComponent(name))
  }
}

extension Tokenizer {
  func ids(_ bytes: [UInt8], maximumLength: Int = 1 << 30) -> [Int32] {
    bytes.withUnsafeBufferPointer { encode($0, maximumLength: maximumLength).ids }
  }

  func tokens(_ text: String, maximumLength: Int = 1 << 30) -> [String] {
    encode(text, maximumLength: maximumLength).ids.map { token($0) ?? "?" }
  }
}
