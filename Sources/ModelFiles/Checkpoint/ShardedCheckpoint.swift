// A checkpoint split over several files, held together by an index: `model.safetensors.index.json` or
// `pytorch_model.bin.index.json`. Called by ModelFolder.

import Files

/// The shards of one checkpoint, opened together.
package final class ShardedCheckpoint: TensorSource {
  /// The index, for messages.
  package let path: String
  /// All tensors, in the order of the shards.
  package let entries: [TensorEntry]
  private let places: [(shard: any TensorSource, index: Int)]

  /// Opens the index and every shard it names; each tensor must lie in the shard the index says.
  /// - Throws: `FileError`, `ModelFileError`.
  package init(index path: String) throws {
    self.path = path
    let map = try Self.weightMap(path)
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    var entries: [TensorEntry] = []
    var places: [(shard: any TensorSource, index: Int)] = []
    for name in Self.shards(map) {
      let shard = try ModelFolder.open(folder + "/" + name)
      for (index, entry) in shard.entries.enumerated() where map[entry.name]?.string == name {
        entries.append(entry)
        places.append((shard, index))
      }
    }
    let found = Set(entries.map(\.name))
    let missing = map.keys.filter { !found.contains($0) }
    guard missing.isEmpty else { throw ModelFileError.missingTensors(path: path, names: missing) }
    (self.entries, self.places) = (entries, places)
  }

  /// Reads entry `index` as float32, row-major, from whatever type it is stored in.
  /// - Throws: `ModelFileError` where its type is not read or the file breaks off.
  package func read(_ index: Int, into destination: UnsafeMutablePointer<Float>) throws {
    try places[index].shard.read(places[index].index, into: destination)
  }

  /// The names of the shards that an index names, in order.
  /// - Throws: `FileError`.
  static func shards(index path: String) throws -> [String] { shards(try weightMap(path)) }

  private static func shards(_ map: JSONObject) -> [String] {
    Set(map.keys.compactMap { map[$0]?.string }).sorted()
  }

  private static func weightMap(_ path: String) throws -> JSONObject {
    let json = try InputFile.json(path: path, expected: "the index of a sharded checkpoint")
    guard let map = json.object?["weight_map"]?.object else {
      throw FileError.malformed(path: path, place: "weight_map", expected: "an object", found: "none")
    }
    for key in map.keys {
      let name = map[key]?.string ?? ""
      guard !name.isEmpty, !name.contains("/"), name != "..", name != "." else {
        throw FileError.malformed(
          path: path, place: "weight_map, \"\(key.prefix(120))\"", expected: "the name of a file in the same folder",
          found: map[key]?.summary ?? "nothing")
      }
      // An index that names itself, or another that names the first, would be opened without end.
      guard !name.hasSuffix(".index.json") else {
        throw FileError.malformed(
          path: path, place: "weight_map, \"\(key.prefix(120))\"", expected: "a file of weights", found: "an index")
      }
    }
    return map
  }
}
