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

  // Graphs, for approximate searches.

  /// The index has none.
  case noGraph(path: String)
  /// It has fewer rows than the index.
  case olderGraph(path: String, rows: Int, found: Int)
  /// It was made with other numbers than were asked for now.
  case graphShape(path: String, expected: GraphShape, found: GraphShape)
  /// Its rows are too many or too wide.
  case graphLimit(path: String, rows: Int, width: Int)
  /// There is no memory for it.
  case graphMemory(rows: Int)
  /// The library that keeps graphs is in none of these places.
  case noGraphLibrary(places: [String])
  /// The library cannot be used.
  case graphLibrary(path: String, problem: String)
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
    default: graphDescription
    }
  }

  private var graphDescription: String {
    switch self {
    case .noGraph(let path):
      "\(path): expected a graph for approximate searches, found none. Make it: mixcse index graph \(path); the exact "
        + "search needs none"
    case .olderGraph(let path, let rows, let found):
      "\(path): expected a graph of its \(rows) rows, found one of \(found). Extend it: mixcse index graph \(path)"
    case .graphShape(let path, let expected, let found):
      "\(path): expected a graph with \(found.links) links and build width \(found.buildWidth), found one with "
        + "\(expected.links) and \(expected.buildWidth). Leave these numbers out to extend it, or make it anew with "
        + "--overwrite"
    case .graphLimit(let path, let rows, let width):
      "\(path): expected less than \(1 << 31) rows of at most \(GraphElements.largestWidth) numbers for a graph, found "
        + "\(rows) of \(width). Search exactly"
    case .graphMemory(let rows):
      "expected memory for a graph of \(rows) rows, found that the system gives no more. Search exactly, or use a "
        + "machine with more"
    case .noGraphLibrary(let places):
      "expected the library that keeps graphs (\(GraphLibrary.fileName)), found none in "
        + "\(places.joined(separator: ", ")). Build it once: mixcse index library"
    case .graphLibrary(let path, let problem):
      "\(path): expected the library that keeps graphs, found that it cannot be used: \(problem). Build it again: "
        + "mixcse index library"
    default: ""
    }
  }

  /// The exit code of the command: 64 wrong usage, 65 bad data, 66 nothing there.
  package var exitCode: Int32 {
    switch self {
    case .noIndex, .noGraph: 66
    case .occupied, .inUse, .graphShape: 64
    case .otherModel, .width, .noTexts, .lineCounts, .olderGraph, .graphLimit: 65
    case .noGraphLibrary, .graphLibrary: 69
    case .graphMemory: 75
    }
  }
}
