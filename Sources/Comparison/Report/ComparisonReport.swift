// What a comparison leaves behind: report.html, results.json, results.csv and, where asked for, TensorBoard's files.
// Called by the compare command.

package import Files

/// The files of a comparison.
package enum ComparisonReport {
  /// The page, in the output folder.
  package static let pageName = "report.html"
  /// Every number.
  package static let jsonName = "results.json"
  /// A line for each run and metric.
  package static let csvName = "results.csv"
  /// Strategies by sets, ready for a document.
  static let tableNames: [String: ScoreMatrix.Format] = [
    "table.md": .markdown, "table.tex": .latex, "table.csv": .csv,
  ]
  /// The folder of curves.
  package static let tensorBoardName = "tensorboard"

  /// Writes the files into `folder`, which must exist; each replaces its predecessor as a whole.
  /// - Throws: `FileError.cannotWrite`, or Foundation's error where a folder of `tensorboard` cannot be made.
  package static func write(
    _ results: ComparisonResults, _ analysis: ComparisonAnalysis, to folder: String, tensorBoard: Bool = false
  ) throws {
    let files = [
      (jsonName, json(results, analysis).text() + "\n"), (csvName, ResultsCSV.text(results, analysis)),
      (pageName, ReportPage.html(results, analysis)),
    ]
    let matrix = ScoreMatrix(results, analysis)
    let tables = tableNames.map { ($0.key, matrix.text($0.value) + "\n") }
    for (name, text) in files + tables { try AtomicFile.write(to: folder + "/" + name) { try $0.write(text) } }
    if tensorBoard { try TensorBoardFiles.write(results, analysis, to: folder + "/" + tensorBoardName) }
  }

  /// What `results.json` holds; for `--json`.
  package static func json(_ results: ComparisonResults, _ analysis: ComparisonAnalysis) -> JSONValue {
    ResultsJSON.value(results, analysis)
  }
}
