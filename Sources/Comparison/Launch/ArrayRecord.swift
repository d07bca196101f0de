// `cluster/arrays.json` of a comparison's folder: which run was given to which task of which array. Read and written by
// SlurmLaunch.

import Files

/// The tasks that were submitted and are not seen to an end yet.
package struct ArrayRecord: Equatable {
  /// A run in an array.
  package struct Entry: Equatable {
    /// As `TaskCommands.key`.
    var key: String
    /// The number of the array's job.
    var job: Int
    /// Its place in the array.
    var task: Int

    /// `12_3`
    package var name: String { "\(job)_\(task)" }
  }

  static let name = "arrays.json"
  private static let format = "mixcse.arrays/1"

  private(set) var entries: [Entry] = []
  /// Arrays that were submitted so far, also those that are over.
  private(set) var arrays = 0

  /// Before the first array.
  package init() {}

  /// The task that a run was given to last.
  package func entry(_ key: String) -> Entry? { entries.last { $0.key == key } }

  /// Takes a new array in; runs that were in another one before belong to this one now.
  package mutating func add(job: Int, keys: [String]) {
    forget(keys)
    entries += keys.enumerated().map { Entry(key: $1, job: job, task: $0) }
    arrays += 1
  }

  /// Tasks that are seen to an end.
  package mutating func forget(_ keys: [String]) {
    let keys = Set(keys)
    entries.removeAll { keys.contains($0.key) }
  }

  // MARK: - The file

  /// The record of a folder; empty where there is none.
  /// - Throws: `ComparisonError.unreadable`: runs whose tasks are forgotten would be submitted twice.
  package init(folder: String) throws {
    let path = folder + "/" + Self.name
    guard Path.exists(path) else { return }
    let bytes = try WholeFile.bytes(of: path, expected: "the arrays of a comparison")
    guard let document = try? JSONValue.parse(bytes).object, document["format"]?.string == Self.format,
      let arrays = document["arrays"]?.integer, let items = document["tasks"]?.array,
      case let entries = items.compactMap(Entry.init(json:)), entries.count == items.count
    else {
      throw ComparisonError.unreadable(
        path: path,
        problem: "expected the arrays of this comparison (\(Self.format)), found something else; without them nobody "
          + "knows which runs are in the queue. End its jobs (scancel) and remove the file; runs go on where they were")
    }
    (self.entries, self.arrays) = (entries, arrays)
  }

  /// Replaces the folder's file.
  /// - Throws: `FileError.cannotWrite`
  package func write(to folder: String) throws {
    let document = JSONObject([
      ("format", .string(Self.format)), ("arrays", .integer(arrays)), ("tasks", .array(entries.map(\.json))),
    ])
    let text = JSONValue.object(document).text() + "\n"
    try AtomicFile.write(to: folder + "/" + Self.name) { try $0.write(text) }
  }
}

extension ArrayRecord.Entry {
  fileprivate var json: JSONValue {
    .object(JSONObject([("run", .string(key)), ("job", .integer(job)), ("task", .integer(task))]))
  }

  fileprivate init?(json: JSONValue) {
    guard let members = json.object, let key = members["run"]?.string, let job = members["job"]?.integer,
      let task = members["task"]?.integer
    else { return nil }
    self.init(key: key, job: job, task: task)
  }
}
