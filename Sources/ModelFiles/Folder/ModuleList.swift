// modules.json of sentence-transformers: what the modules are, in its order, and the folders they are in. Read where a
// model folder is opened.

import Files

/// The modules of a sentence-transformers folder.
struct ModuleList {
  /// What a module is.
  enum Kind: String {
    case transformer = "Transformer"
    case weightedLayerPooling = "WeightedLayerPooling"
    case pooling = "Pooling"
    case dense = "Dense"
    case layerNorm = "LayerNorm"
    case normalize = "Normalize"
    /// For training only.
    case dropout = "Dropout"
  }

  struct Entry {
    /// Nil for a module that is not built.
    var kind: Kind?
    /// The class, as the file names it.
    var name: String
    /// Inside the model's folder; empty for that folder itself.
    var path: String
  }

  let entries: [Entry]

  /// Nil where the folder has no modules.json.
  /// - Throws: `FileError` where it is broken.
  init?(folder: String) throws {
    let path = folder + "/modules.json"
    guard try Path.isPresent(path) else { return nil }
    let json = try InputFile.json(path: path, expected: "a sentence-transformers modules.json")
    guard let items = json.array, !items.isEmpty else {
      throw FileError.malformed(path: path, place: "the file", expected: "a list of modules", found: json.summary)
    }
    entries = try items.map { item in
      let reader = RecordReader(item.object ?? JSONObject(), path: path)
      let name = try reader.string("type")
      let path = try reader.relativePath("path")
      return Entry(kind: Self.kind(name), name: name, path: Path.withoutTrailingSlashes(path))
    }
  }

  /// Both generations call a module by its class behind a path of their own; any other path is code that comes with
  /// the model.
  private static func kind(_ name: String) -> Kind? {
    let words = name.split(separator: ".")
    guard words.count > 1, words.first == "sentence_transformers" else { return nil }
    return words.last.flatMap { Kind(rawValue: String($0)) }
  }
}
