// index.json: what an index holds and by which model. Written last, in one step, so that it never tells of more than
// there is. Read by SentenceIndex.

import Files

/// What an index holds.
struct IndexRecord: Equatable {
  static let name = "index.json"
  static let expected = "the record of an index"
  private static let format = "mixcse index", version = 1

  /// Texts, and vectors.
  var rows: Int
  /// Numbers of a vector.
  var width: Int
  /// Bytes of the texts, with their line ends.
  var textBytes: Int
  /// What made the vectors.
  var model: IndexedModel

  var json: JSONValue {
    .object(
      JSONObject([
        ("format", .string(Self.format)), ("version", .integer(Self.version)), ("rows", .integer(rows)),
        ("width", .integer(width)), ("textBytes", .integer(textBytes)), ("model", .string(model.folder)),
        ("pooler", .string(model.pooler)), ("beforeHead", .bool(model.beforeHead)),
        ("prompt", model.prompt.map(JSONValue.string) ?? .null),
        ("maximumLength", model.maximumLength.map(JSONValue.integer) ?? .null),
        (
          "modelFiles",
          .object(JSONObject(model.digests.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
        ),
      ]))
  }

  init(rows: Int, width: Int, textBytes: Int, model: IndexedModel) {
    (self.rows, self.width, self.textBytes, self.model) = (rows, width, textBytes, model)
  }

  /// - Throws: `SearchError.noIndex`, `FileError`.
  init(folder: String) throws {
    let path = folder + "/" + Self.name
    guard Path.isFile(path) else { throw SearchError.noIndex(path: folder) }
    let object = try InputFile.json(path: path, expected: Self.expected).object ?? JSONObject()
    func broken(_ key: String, _ expected: String) -> FileError {
      .malformed(
        path: path, place: key, expected: expected, found: object[key]?.summary ?? "nothing",
        advice: "It is no index of this program, or broken: build it again")
    }
    guard object["format"]?.string == Self.format else { throw broken("format", "'\(Self.format)'") }
    guard object["version"]?.integer == Self.version else {
      throw FileError.malformed(
        path: path, place: "version", expected: "\(Self.version)", found: object["version"]?.summary ?? "nothing",
        advice: "Another version of this program wrote it; use that one, or build the index again")
    }
    func count(_ key: String, _ range: ClosedRange<Int>) throws -> Int {
      guard let value = object[key]?.integer, range.contains(value) else {
        throw broken(key, "a number from \(range.lowerBound) to \(range.upperBound)")
      }
      return value
    }
    width = try count("width", 1...1 << 20)
    rows = try count("rows", 0...(1 << 50) / width)
    textBytes = try count("textBytes", rows...1 << 50)
    guard let folder = object["model"]?.string else { throw broken("model", "a folder") }
    guard let pooler = object["pooler"]?.string else { throw broken("pooler", "a pooler") }
    guard let files = object["modelFiles"]?.object else { throw broken("modelFiles", "names with their SHA-256") }
    let maximum = object["maximumLength"]?.integer
    let digests = files.members.map { ($0.key, $0.value.string ?? "") }
    model = IndexedModel(
      folder: folder, digests: Dictionary(digests) { $1 }, pooler: pooler,
      beforeHead: object["beforeHead"]?.bool ?? false, maximumLength: maximum)
    model.prompt = object["prompt"]?.string
  }
}
