// Model folders of many kinds against sentence-transformers: their embeddings, or a refusal that names what is not
// built. Tests/Fixtures/models/make_folders.py wrote folders.json.

import Foundation
import Host
import ModelFiles
import Objective
import TestSupport
import Testing

@Suite("model folders as sentence-transformers reads them")
struct FolderCasesTests {
  struct Cases: Decodable {
    var shared: [String: Content]
    var cases: [Case]
  }

  struct Case: Decodable, CustomTestStringConvertible {
    var name: String
    var files: [String: Content]
    var texts: [String]
    var pooler: String?
    var notes: [String]
    var want: [[Float]]
    var refused: [String]
    var testDescription: String { name }
  }

  /// Text, bytes, or one of the contents that several folders share.
  enum Content: Decodable {
    case text(String)
    case base64(String)
    case shared(String)

    init(from decoder: any Decoder) throws {
      if let text = try? decoder.singleValueContainer().decode(String.self) {
        self = .text(text)
      } else {
        let keys = try decoder.singleValueContainer().decode([String: String].self)
        if let text = keys["base64"] {
          self = .base64(text)
        } else {
          self = .shared(keys["shared"] ?? "")
        }
      }
    }
  }

  static let all = Result {
    let file = URL(fileURLWithPath: Resources.fixture("models/folders.json"))
    return try JSONDecoder().decode(Cases.self, from: Data(contentsOf: file))
  }

  private static func data(_ content: Content) throws -> Data {
    switch content {
    case .text(let text): Data(text.utf8)
    case .base64(let text): try #require(Data(base64Encoded: text))
    case .shared(let name): try data(#require(all.get().shared[name]))
    }
  }

  private func write(_ files: [String: Content], to folder: String) throws {
    for (name, content) in files {
      let path = URL(fileURLWithPath: folder + "/" + name)
      try FileManager.default.createDirectory(at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Self.data(content).write(to: path)
    }
  }

  /// Its embeddings, and what was said.
  private func embed(_ item: Case, _ path: String) throws -> (vectors: [[Float]], said: [String]) {
    let world = try TestWorld()
    var said: [String] = []
    let folder = try ModelFolder(path: path)
    let spec = try SentenceEmbedder.pooler(item.pooler, beforeHead: false, of: folder) { said.append($0) }
    let embedder = try SentenceEmbedder.open(
      folder, pooler: spec, registry: world.registry, services: world.services
    ) { said.append($0) }
    let table = try embedder.embed(item.texts)
    return (
      (0..<table.matrix.rows).map { row in (0..<table.matrix.columns).map { table.matrix.row(row)[$0] } }, said
    )
  }

  @Test("embeddings to 2e-6, or what is not built by its name", arguments: try all.get().cases)
  func folder(_ item: Case) throws {
    let folder = try Scratch()
    try write(item.files, to: folder.path)
    guard item.refused.isEmpty else {
      let error = #expect(throws: (any Error).self) { _ = try embed(item, folder.path) }
      let text = error.map { "\($0)" } ?? "no error"
      for word in item.refused { #expect(text.contains(word), "\(word) in \(text)") }
      return
    }
    let (vectors, said) = try embed(item, folder.path)
    #expect(vectors.map(\.count) == item.want.map(\.count))
    for (vector, wanted) in zip(vectors, item.want) {
      let difference = zip(vector, wanted).reduce(0) { max($0, abs($1.0 - $1.1)) }
      #expect(difference < 2e-6 * max(1, wanted.reduce(0) { max($0, abs($1)) }), "\(vector) \(wanted)")
    }
    for word in item.notes { #expect(said.contains { $0.contains(word) }, "\(word) in \(said)") }
    if item.notes.isEmpty { #expect(said.isEmpty, "\(said)") }
  }
}
