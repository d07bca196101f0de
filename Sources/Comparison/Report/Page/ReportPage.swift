// report.html: one file that needs nothing else, in the order a reader asks. Written by ComparisonReport.

/// The page of a comparison.
enum ReportPage {
  static func html(_ results: ComparisonResults, _ analysis: ComparisonAnalysis) -> String {
    let title = "Comparison: " + results.strategies.map(\.label).joined(separator: ", ")
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <title>\(escaped(title))</title>
      <style>
      \(PageStyle.css)</style>
      </head>
      <body>
      <header>
      <h1>\(heading(results))</h1>
      <p>\(escaped(overview(results)))</p>
      </header>
      <main>
      \(VerdictSection(results: results, analysis: analysis).html)\
      \(ScoresSection(results: results, analysis: analysis).html)\
      \(CurvesSection(results: results).html)\
      \(RunsSection(results: results).html)\
      \(RecordSection(results: results).html)\
      </main>
      <footer>\(escaped(method))</footer>
      </body>
      </html>

      """
  }

  private static func heading(_ results: ComparisonResults) -> String {
    let strategies = results.strategies.count == 1 ? "One strategy" : "\(results.strategies.count) strategies"
    return strategies + ", " + (results.seeds.count == 1 ? "one seed" : "\(results.seeds.count) seeds")
  }

  private static func overview(_ results: ComparisonResults) -> String {
    let finished = results.runs.count { $0.outcome == .finished }
    let seeds = (results.seeds.count == 1 ? "Seed " : "Seeds ") + results.seeds.map { "\($0)" }.joined(separator: ", ")
    return "\(seeds). \(finished) of \(results.runs.count) runs finished."
  }

  private static let method = """
    Intervals: what each sentence pair contributes, added up over pairs that share sentences, and Student's t over seeds; no \
    random draws. The method with its formulas: Documentation/Comparison.md of mixcse.
    """
}
