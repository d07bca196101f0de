// The line of a run's progress on terminals of many widths, that change, and on none.

import TestSupport
import Testing
import Training

@Suite struct ProgressDisplayTests {
  private func figures(_ step: Int, of total: Int = 15_625, scored: Bool = true) -> ProgressFigures {
    var figures = ProgressFigures(
      step: step, totalSteps: total, loss: 0.012345, sentencesPerSecond: 1234.5, secondsLeft: 46_740)
    if scored { (figures.lastScore, figures.bestScore, figures.bestStep) = (79.726, 81.861, 12_500) }
    return figures
  }

  @Test func everyWidthIsKept() {
    for width in 0...200 {
      let line = ProgressDisplay.line(figures(15_000), fitting: width)
      #expect(line.count <= width, "\(width): \(line)")
    }
    let wide = "step 15000/15625  loss 0.0123  1234 sentences/s  12 h 59 min left  dev 79.73  best 81.86 at 12500"
    #expect(ProgressDisplay.line(figures(15_000), fitting: 130) == "[=================== ] " + wide)
    // What 80 columns hold of the longest line: nothing that decides is left out.
    let narrow = "step 15000/15625  loss 0.0123  12 h 59 min left  dev 79.73  best 81.86 at 12500"
    #expect(ProgressDisplay.line(figures(15_000), fitting: 79) == narrow)
    #expect(ProgressDisplay.line(figures(15_000), fitting: 40) == "step 15000/15625  best 81.86 at 12500")
  }

  /// One line and the notes, whatever the widths were and whichever kind of terminal it is.
  @Test(arguments: [true, false]) func oneLineHoweverTheTerminalChanges(reflows: Bool) {
    var screen = Screen(columns: 140, reflows: reflows)
    for width in [140, 80, 79, 120, 60, 30, 100, 20, 80] {
      // The first line and that of the last step are drawn at once; others wait for a tenth of a second.
      let display = ProgressDisplay(isLive: true, plainInterval: 1, columns: { screen.columns }) { screen.write($0) }
      display.show(figures(100))
      screen.columns = width
      display.note("width \(width)")
      display.show(figures(15_625))
      display.finish()
    }
    let rows = screen.rows.filter { !$0.isEmpty }
    #expect(rows.filter { $0.hasPrefix("width ") }.count == 9, "\(rows)")
    #expect(rows.filter { $0.contains("step 100/") }.isEmpty, "\(rows)")
    // Finished lines belong to the terminal, which may break them or cut them off.
    if reflows {
      #expect(rows.filter { $0.contains("step 15625/") }.count == 9, "\(rows)")
    } else {
      #expect(rows.count == 18, "\(rows)")
    }
  }

  @Test func plainLinesHaveNoSequences() {
    var text = ""
    let display = ProgressDisplay(isLive: false, plainInterval: 50, columns: { 20 }) { text += $0 }
    for step in 1...100 { display.show(figures(step, of: 100)) }
    display.note("a note")
    display.finish()
    let lines = text.split(separator: "\n")
    #expect(lines.count == 4 && lines.last == "a note" && !text.contains("\u{1B}") && !text.contains("\r"), "\(text)")
    #expect(lines[0].hasSuffix("dev 79.73  best 81.86 at 12500"))
  }
}
