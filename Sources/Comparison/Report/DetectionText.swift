// Before any verdict: how many seeds it takes to show a difference of a given size, from the spread of the runs that
// are there, or for assumed ones. Printed by `compare --dry-run`.

import Files
import Training

/// What a comparison could show, as lines for a terminal.
package enum DetectionText {
  /// Deviations of differences between seeds that are assumed where no run says more.
  static let deviations = [0.1, 0.2, 0.5]
  /// The pairs' deviation that is assumed beside them: about that of the mean of the seven STS sets.
  static let pairsDeviation = 0.1

  /// Lines without the last break. Says nothing of any difference that was found.
  package static func text(_ results: ComparisonResults, _ analysis: ComparisonAnalysis) -> String {
    let family = analysis.family
    let look = family.looks.max { $0.divisor < $1.divisor } ?? Look()
    let level = ClaimCorrection.level / Double(family.comparisons * look.divisor)
    let size = VerdictWords.size(results.detect)
    let known = (analysis.deciding?.comparisons ?? []).compactMap { item -> (String, DifferenceSpread)? in
      guard item.basis == .seedsAndPairs, let spread = item.spread else { return nil }
      return ("\(results.strategies[item.strategy].label), by \(spread.seeds) seeds", spread)
    }
    let assumed = deviations.map { deviation in
      (
        "deviation \(fixed(deviation, 1))",
        DifferenceSpread(
          seeds: 2, mean: 0, betweenSeeds: deviation * deviation, pairs: pairsDeviation * pairsDeviation)
      )
    }
    let seeds = results.seeds.count
    let head = "To show a difference of \(size) at the level 0.05 / \(family.comparisons * look.divisor)"
    let source =
      known.isEmpty
      ? ", with deviations between seeds that are assumed (no two seeds are scored), and "
        + "\(fixed(pairsDeviation, 1)) of the pairs:"
      : " on \((analysis.deciding?.metric ?? "").visibleOnOneLine), with the spread found so far:"
    let rows = (known.isEmpty ? assumed : known).map { name, spread in
      "  \(name.visibleOnOneLine): \(line(spread, results.detect, level, seeds))"
    }
    return ([head + source] + rows).joined(separator: "\n")
  }

  private static func line(_ spread: DifferenceSpread, _ difference: Double, _ level: Double, _ seeds: Int) -> String {
    let needed = SeedsToShow(spread, difference: difference, level: level)
    let start =
      if case .never = needed.half {
        "no number of seeds; even with endless seeds +-\(fixed(needed.staysOpen, 2)) stays open"
      } else {
        "\(VerdictWords.seeds(needed)) seeds (50 / 80 per cent)"
      }
    guard seeds > 1 else { return start + "; one seed shows nothing" }
    let least = spread.detectable(seeds: seeds, level: level, power: 0.8)
    return start + "; \(seeds) seeds show \(fixed(least, 2)) or more with 80 per cent"
  }
}
