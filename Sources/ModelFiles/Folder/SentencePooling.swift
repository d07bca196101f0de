// What a model folder records about its sentence embeddings: our own mixcse.json, else sentence-transformers'
// modules.json. Read by ModelFolder; commands take their default pooler and head from it.

import Files

/// How token states become a sentence embedding, as a folder records it.
package struct SentencePooling: Sendable, Equatable {
  /// Which record it was read from.
  package enum Origin: Sendable {
    /// Our own mixcse.json.
    case mixcse
    /// modules.json of sentence-transformers.
    case sentenceTransformers
  }

  /// What became of the head that stood behind the pooler in training.
  package enum Head: String, Sendable {
    /// Trained without a head.
    case none
    /// Trained with a head that the folder does not hold; embeddings are taken before it.
    case dropped
    /// The head belongs to the model: Linear width -> width, then tanh.
    case kept
  }

  /// Which record it was read from.
  package var origin: Origin
  /// The pooler as typed on the command line ("avg", "cls", "avg+whiten"); nil where `unsupported` says why.
  package var pooler: String?
  /// What became of the head of training.
  package var head: Head = .none
  /// What is done with the pooled vector, one after the other; a kept head is the first of them.
  package var modules: [VectorModule] = []
  /// Whether the tokens of a prompt have no part in the pooled vector (`include_prompt` false).
  package var leavesPromptOut = false
  /// The temperature of training, where it was written down.
  package var temperature: Double?
  /// The strategy as typed, such as "mixcse:lambda=0.2".
  package var strategy: String?
  /// Versions of what made the model, by name.
  package var versions: [String: String] = [:]
  /// What the folder asks for that this program does not do.
  package var unsupported: String?

  /// A record with a pooler and nothing else.
  package init(origin: Origin, pooler: String? = nil) {
    self.origin = origin
    self.pooler = pooler
  }

  /// Whether embeddings are scaled to length 1 at the end.
  package var normalizes: Bool { modules.last { if case .first = $0 { false } else { true } } == .normalize }

  /// The learned modules behind the pooler in words, for notes; nil without any.
  package var learnedModules: String? {
    let names = modules.filter(\.hasWeights).map(\.name)
    return names.isEmpty ? nil : names.joined(separator: ", ")
  }

  /// The record as mixcse.json holds it; of the modules a head and Normalize.
  func json(notes: [String]) -> JSONValue {
    var object = JSONObject([("format", .integer(1)), ("pooler", .string(pooler ?? ""))])
    object["head"] = .string(head.rawValue)
    if case .dense(let dense)? = modules.first { object["headFolder"] = .string(dense.folder) }
    object["normalize"] = .bool(normalizes)
    if let temperature { object["temperature"] = .number(temperature) }
    if let strategy { object["strategy"] = .string(strategy) }
    let sorted = versions.sorted { $0.key < $1.key }
    object["versions"] = .object(JSONObject(sorted.map { ($0.key, .string($0.value)) }))
    object["notes"] = .array(notes.map { .string($0) })
    return .object(object)
  }

  /// Reads mixcse.json.
  /// - Throws: `FileError` where it is broken: it is never replaced by a default.
  static func own(_ path: String, hiddenSize: Int) throws -> SentencePooling {
    let json = try InputFile.json(path: path, expected: "the record of an exported model")
    let reader = RecordReader(json.object ?? JSONObject(), path: path)
    guard try reader.integer("format") == 1 else { throw reader.error("format", "1") }
    var record = SentencePooling(origin: .mixcse, pooler: try reader.string("pooler"))
    guard let head = Head(rawValue: try reader.string("head")) else {
      throw reader.error("head", "none, dropped or kept")
    }
    record.head = head
    if head == .kept {
      record.modules.append(.dense(.head(folder: try reader.relativePath("headFolder"), width: hiddenSize)))
    }
    if try reader.bool("normalize") { record.modules.append(.normalize) }
    record.temperature = try reader.optional("temperature", "a number") { $0.double }
    record.strategy = try reader.optional("strategy", "a string") { $0.string }
    let versions = try reader.optional("versions", "an object") { $0.object } ?? JSONObject()
    for key in versions.keys { record.versions[key] = versions[key]?.string }
    return record
  }
}

/// Typed values of a small JSON object, with errors that name file and key.
struct RecordReader {
  let object: JSONObject
  let path: String

  init(_ object: JSONObject, path: String) {
    self.object = object
    self.path = path
  }

  func error(_ key: String, _ expected: String) -> FileError {
    .malformed(
      path: path, place: "key \"\(key)\"", expected: expected, found: object[key]?.summary ?? "no such key",
      advice: "Correct it in the file")
  }

  func string(_ key: String) throws -> String {
    guard let value = object[key]?.string else { throw error(key, "a string") }
    return value
  }

  func integer(_ key: String) throws -> Int {
    guard let value = object[key]?.integer else { throw error(key, "a whole number") }
    return value
  }

  func bool(_ key: String) throws -> Bool {
    guard let value = object[key]?.bool else { throw error(key, "true or false") }
    return value
  }

  func optional<Value>(_ key: String, _ expected: String, _ read: (JSONValue) -> Value?) throws -> Value? {
    guard let json = object[key], json != .null else { return nil }
    guard let value = read(json) else { throw error(key, expected) }
    return value
  }

  /// A path that stays inside the folder of the model.
  func relativePath(_ key: String) throws -> String {
    let value = try string(key)
    guard !value.hasPrefix("/"), !value.split(separator: "/").contains("..") else {
      throw error(key, "a path inside the model folder")
    }
    return value
  }
}
