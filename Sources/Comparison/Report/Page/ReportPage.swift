// report.html: one file that needs nothing else, in the order a reader asks. Written by ComparisonReport.

/// The page of a comparison.
enum ReportPage {
  static func html(_ results: ComparisonResults, _ analysis: ComparisonAnalysis) -> String {
    let header = ReportHeader(results: results)
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <title>\(escaped(header.title))</title>
      <style>
      \(PageStyle.css)</style>
      </head>
      <body>
      \(header.html)
      <main>
      \(sections(results, analysis))\
      </main>
      <footer>\(escaped(method))</footer>
      </body>
      </html>

      """
  }

  /// The answer, then how sure it is, then what it rests on; the rest is folded away.
  private static func sections(_ results: ComparisonResults, _ analysis: ComparisonAnalysis) -> String {
    let styles = SeriesStyle.of(results.strategies)
    let verdict = VerdictSection(results: results, analysis: analysis, styles: styles)
    let scores = ScoresSection(results: results, analysis: analysis, styles: styles)
    let curves = CurvesSection(results: results, analysis: analysis, styles: styles)
    let rest = verdict.sets + scores.folded + curves.folded + RecordSection(results: results).html
    return [
      MatrixSection(results: results, matrix: ScoreMatrix(results, analysis), styles: styles).html,
      AnswerSection(results: results, analysis: analysis).html, verdict.html,
      SettleSection(results: results, analysis: analysis).html, TuningSection(results: results).html,
      ParameterSection(results: results, analysis: analysis, styles: styles).html, curves.html,
      RunsSection(results: results).html, PageText.section("Everything else", id: "more", rest),
    ].joined()
  }

  private static let method = """
    Intervals: what each sentence pair contributes, added up over pairs that share sentences, and Student\u{2019}s t \
    over seeds; no random draws. The method with its formulas: Documentation/Comparison.md of mixcse.
    """
}
