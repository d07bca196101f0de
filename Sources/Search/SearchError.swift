// What can go wrong with an index. Thrown throughout Search, printed by the commands.

/// An error of the Search module.
package enum SearchError: Error, Equatable {
  /// A folder holds no index.
  case noIndex(path: String)
  /// A folder holds something else than an index.
  case occupied(path: String, found: String)
  /// A process writes to the index.
  case inUse(path: String, owner: String)
  /// The model is not the one that made the index; `found` says what is another.
  case otherModel(path: String, folder: String, found: String)
  /// The width of vectors is not that of the index.
  case width(path: String, expected: Int, found: Int)
  /// There is nothing to put into an index.
  case noTexts(path: String)
  /// Two files do not belong together line by line.
  case lineCounts(first: String, count: Int, second: String, otherCount: Int)
}

extension SearchError: CustomStringConvertible {
  /// What the command prints.
  package var description: String {
    switch self {
    case .noIndex(let path):
      "\(path): expected an index, found no index.json in it. Make one: mixcse index build FILE --model DIR --output "
        + path
    case .occupied(let path, let found):
      "\(path): expected a new or an empty folder, found \(found). Choose another one; an index is replaced with "
        + "--overwrite, and grows with mixcse index add"
    case .inUse(let path, let owner):
      "\(path): expected an index that nobody writes to, found \(owner) at it. Wait for it, or end it"
    case .otherModel(let path, let folder, let found):
      "\(path): expected the model that made the index, found \(found) in \(folder). Pass --model with a folder of the "
        + "same files, or build the index again with this one"
    case .width(let path, let expected, let found):
      "\(path): expected vectors of \(expected) numbers, found \(found). Use the model that made the index"
    case .noTexts(let path): "\(path): expected at least one line, found nothing. Check the input"
    case .lineCounts(let first, let count, let second, let otherCount):
      "\(second): expected \(count) lines as in \(first), found \(otherCount). Line n is compared with line n; for all "
        + "with all pass --matrix"
    }
  }

  /// The exit code of the command: 64 wrong usage, 65 bad data, 66 nothing there.
  package var exitCode: Int32 {
    switch self {
    case .noIndex: 66
    case .occupied, .inUse: 64
    case .otherModel, .width, .noTexts, .lineCounts: 65
    }
  }
}
