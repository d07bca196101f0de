// The STS benchmark, from SentEval's folder or a file. Called by the trainer (`--eval-data`) and the evaluate command.

import Files

/// The dev and test parts of STS-B. They are never mixed.
package enum STSBenchmark {
  /// Which of STS-B's three files.
  package enum Part: String, Sendable {
    case dev, test

    /// Pairs in the benchmark as published.
    var pairs: Int { self == .dev ? 1500 : 1379 }
  }

  /// The dev pairs. `path`: a pair file, or a folder that holds or is SentEval's `downstream`, or STSBenchmark itself.
  /// - Throws: `EvaluationError`.
  package static func dev(in path: String) throws -> STSTask { try read(.dev, in: path) }

  /// The test pairs; `path` as for `dev`.
  package static func test(in path: String) throws -> STSTask { try read(.test, in: path) }

  /// Reads one part. A folder's file must have STS-B's columns; a single file may also have three.
  package static func read(_ part: Part, in path: String) throws -> STSTask {
    guard Path.isFolder(path) else {
      let set = try PairFile.read(path)
      return STSTask(name: set.name, subsets: [set])
    }
    let file = try locate(part, in: path)
    var set = try PairFile.read(file, layouts: [.stsBenchmark])
    if set.count != part.pairs {
      set.warnings.append("\(file): expected \(part.pairs) pairs as in STS-B \(part.rawValue), found \(set.count)")
    }
    return STSTask(name: "STSBenchmark", subsets: [set])
  }

  /// The file of a part in a folder that holds or is SentEval's `downstream`, or STSBenchmark itself.
  /// - Throws: `EvaluationError.notFound`.
  package static func locate(_ part: Part, in folder: String) throws -> String {
    let places = [
      "data/downstream/STS/STSBenchmark", "downstream/STS/STSBenchmark", "STS/STSBenchmark", "STSBenchmark", ".",
    ]
    for place in places {
      for name in ["sts-\(part.rawValue).csv", "sts-\(part.rawValue).tsv"] {
        let file = place == "." ? "\(folder)/\(name)" : "\(folder)/\(place)/\(name)"
        if Path.exists(file) { return file }
      }
    }
    throw EvaluationError.notFound(
      path: folder,
      expected: "sts-\(part.rawValue).csv (or .tsv) in it or in its " + places.dropLast().joined(separator: ", "))
  }
}
