// A description in a file: TOML or JSON by hand, or the record of a run (run.json, a comparison's comparison.json),
// which repeats it. Read by the train and compare commands before what was typed is put over it.

package import Files
import Host

/// A file of named values, read but not yet understood.
package struct DescriptionFile: Sendable {
  /// As typed.
  package let path: String
  /// All of the file, for the record.
  package let text: String
  /// What the file is about, around the description, where it is the record of a run.
  package let record: JSONObject?
  private let members: JSONObject

  /// Reads a file; a name that ends in `.json` is JSON, any other TOML.
  /// - Throws: `TrainingError.missingFile`, `.badDescription` naming the line.
  package init(path: String) throws {
    let bytes = try Self.bytes(path)
    let content = bytes.dropFirst(bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0)
    guard let text = String(validating: content, as: UTF8.self) else {
      throw TrainingError.badDescription(path: path, place: "the file", problem: "expected UTF-8, found other bytes")
    }
    try self.init(path: path, text: text)
  }

  /// No description is larger by far; a record holds the text of one.
  private static let maximumSize = 16 << 20

  private static func bytes(_ path: String) throws -> [UInt8] {
    do {
      let file = try InputFile(path: path, expected: "a description for --from, as TOML or JSON")
      guard file.size <= maximumSize else {
        throw TrainingError.badDescription(
          path: path, place: "the file", problem: "expected at most \(maximumSize >> 20) MiB, found \(file.size) bytes")
      }
      return try file.bytes(at: 0, count: file.size)
    } catch FileError.notFound(let path, let expected) {
      throw TrainingError.missingFile(path: path, expected: expected)
    }
  }

  /// - Throws: `TrainingError.badDescription`.
  package init(path: String, text: String) throws {
    self.path = path
    self.text = text
    let whole: JSONObject
    do {
      whole = path.hasSuffix(".json") ? try Self.json(text, path: path) : try TOMLReader.read(text)
    } catch let error as TOMLError {
      throw TrainingError.badDescription(path: path, place: "line \(error.line)", problem: error.problem)
    }
    guard let run = whole[RunRecord.description]?.object else {
      // Records of runs had no description once; they would be taken for a file of unknown names.
      if whole["finished"] != nil || whole["identity"] != nil {
        throw TrainingError.badDescription(
          path: path, place: "the file",
          problem: "expected a description under \"\(RunRecord.description)\", found "
            + "the record of an earlier version without one; its commandLine says how the run was started")
      }
      (members, record) = (whole, nil)
      return
    }
    (members, record) = (run, whole)
  }

  private static func json(_ text: String, path: String) throws -> JSONObject {
    do {
      let value = try JSONValue.parse(Array(text.utf8))
      if let object = value.object { return object }
      throw TrainingError.badDescription(
        path: path, place: "the file", problem: "expected an object, found \(value.summary)")
    } catch let error as JSONError {
      let line = 1 + text.utf8.prefix(error.offset).count { $0 == 10 }
      throw TrainingError.badDescription(
        path: path, place: "line \(line)", problem: "expected \(error.expected), found \(error.found)")
    }
  }

  /// Whether the file says anything under a name.
  package func names(_ name: String) -> Bool { members[name] != nil }

  /// Puts the values of the file into `root`.
  /// - Parameters:
  ///   - fields: all that can be said.
  ///   - elsewhere: names that are known and do not belong into such a file, each with what to do.
  /// - Throws: `TrainingError.badDescription` naming the key.
  package func read<Root>(
    into root: inout Root, _ fields: [DescriptionField<Root>], elsewhere: (String) -> String? = { _ in nil }
  ) throws {
    for key in members.keys {
      if key.hasPrefix("-") { throw bad(key, "expected a flag's long name without dashes, found '\(key)'") }
      guard let field = fields.first(where: { $0.name == key }) else {
        if let advice = elsewhere(key) { throw bad(key, advice) }
        let near = didYouMean(nearestNames(to: key, among: fields.map(\.name)))
        throw bad(key, "expected the long name of a flag that describes a run, found '\(key)'\(near)")
      }
      do throws(DescriptionProblem) {
        try field.read(members[key] ?? .null, &root)
        try field.check(root)
      } catch {
        throw bad(key, "expected \(error.expected), found \(error.found)")
      }
    }
  }

  /// The error for one key.
  package func bad(_ key: String, _ problem: String) -> TrainingError {
    .badDescription(path: path, place: key, problem: problem)
  }
}

extension RunDescription {
  /// Reads a description, or the one in the record of a run, whose output folder stays that run's.
  /// - Throws: `TrainingError.badDescription` naming the key.
  package init(_ file: DescriptionFile) throws {
    self.init()
    try file.read(into: &self, Self.fields) { key in
      switch key {
      case "strategies", "seeds": "the plan of a comparison has it; mixcse compare --from reads this file"
      case "from", "resume", "overwrite", "stop-after", "max-hours", "tensorboard", "profile", "watch", "dry-run",
        "json", "accept-changes":
        "a description cannot hold --\(key), which says how a run is started; type it"
      default: nil
      }
    }
    if file.record != nil { outputFolder = nil }
  }
}
