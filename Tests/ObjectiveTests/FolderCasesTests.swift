// Model folders of many kinds against sentence-transformers: their embeddings, or a refusal that names what is not
// built. Tests/Fixtures/models/make_folders.py wrote folders.json, make_architectures.py architectures.json and
// modernbert.json.

import Encoder
import Foundation
import Host
import Kernels
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
    var all = try read("folders")
    all.cases += try architectures.get()
    return all
  }
  static let architectures = Result { try ["architectures", "modernbert"].flatMap { try read($0).cases } }

  private static func read(_ name: String) throws -> Cases {
    let file = URL(fileURLWithPath: Resources.fixture("models/\(name).json"))
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

  @Test(
    "an export gives the embeddings of its source",
    arguments: try architectures.get().filter { $0.refused.isEmpty && $0.pooler == nil })
  func export(_ item: Case) throws {
    let folder = try Scratch()
    let (model, out) = (folder.path + "/model", folder.path + "/out")
    try write(item.files, to: model)
    let source = try ModelFolder(path: model)
    let encoder = try TransformerEncoder(
      configuration: source.configuration, weights: source.openWeights(), pool: ThreadPool(threads: 1), seed: 1)
    let pooler = try SentenceEmbedder.pooler(nil, beforeHead: false, of: source) { _ in }.text
    let tokens = ["avg": ExportPooling.Tokens.mean, "max": .max][pooler] ?? .cls
    let last = (1..<encoder.layerCount).map { _ in Float(0) } + [1]
    let notes = try ModelExport.write(
      to: out, from: source, encoder: encoder.parameters,
      pooling: ExportPooling(text: pooler, tokens: tokens, layerWeights: last))
    #expect(notes.isEmpty, "\(notes)")
    let written = try ModelFolder(path: out)
    #expect(try written.configuration == source.configuration)
    let names = Set(try written.openWeights().names)
    let poolers = ["pooler.dense.weight", "pooler.dense.bias", "pooler.weight", "pooler.bias"]
    #expect(try names.subtracting(poolers) == Set(source.configuration.tensorNames))
    #expect(try embed(item, out).vectors == embed(item, model).vectors)
  }
}
