// Which candidates count: only the nearest, none that is a positive in truth, no equal text, no soft negative.

import PluginKit

/// Each row keeps its `k` nearest in-batch negatives; the others are excluded.
///
/// Source: the hardest negatives of Xuan et al., "Hard Negative Examples are Hard, but Useful", ECCV 2020.
final class Hardest: Sampler {
  let name = "hardest"
  let summary = "each row keeps its k nearest in-batch negatives, the others are excluded"

  let k = Whole(16, in: "[1,)", log: true, "negatives that each row keeps")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws { plan.editCells() }

  func sample(_ call: Call, _ batch: Batch, into out: Candidates) throws {
    let (similarity, bias) = try (out.similarities(0), out.bias(0))
    for row in 0..<batch.rows {
      let others = (0..<batch.rows).filter { $0 != row }
      for column in others.nearestFirst(similarity[row]).dropFirst(call[k]) { bias[row, column] += -.infinity }
    }
  }
}

/// Excludes in-batch negatives that are too near to be negatives: above `threshold`, or nearer than the positive less
/// `margin`.
///
/// Source: the filter of Solatorio, "GISTEmbed", 2024, equation 2, with the model as its own guide; absolute and
/// relative margins as in Moreira et al., "NV-Retriever", 2024.
final class FalseNegatives: Sampler {
  let name = "false-negatives"
  let summary = """
    in-batch negatives that are too near are excluded: probably positives (after GISTEmbed, 2024)
    excluded where s[i,j] > threshold or s[i,j] > s[i, positive] - margin
    """

  let threshold = Real(0.9, in: "[-1,1]", live: true, "the largest cosine of a negative; 1 excludes none")
  let margin = Real(-2, in: "[-2,2]", live: true, "how far behind the positive a negative has to be; -2 excludes none")

  let excluded = Metric()

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws { plan.editCells() }

  func sample(_ call: Call, _ batch: Batch, into out: Candidates) throws {
    let (similarity, bias) = try (out.similarities(0), out.bias(0))
    var count = 0
    for row in 0..<batch.rows {
      let bound = min(call[threshold], similarity[row, row] - call[margin])
      for column in 0..<batch.rows where column != row && similarity[row, column] > bound {
        bias[row, column] += -.infinity
        count += 1
      }
    }
    call.report(excluded, Double(count) / Double(max(1, batch.rows * (batch.rows - 1))))
  }
}

/// Excludes the positives of rows whose anchor has the same text.
///
/// Source: the mask of duplicates in Henderson et al., "Efficient Natural Language Response Suggestion", 2017, section
/// 4.3, done by the text and not by chance.
final class SameText: Sampler {
  let name = "same-text"
  let summary = "rows with the same text are no negatives of each other"

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws { plan.editCells() }

  func sample(_ call: Call, _ batch: Batch, into out: Candidates) throws {
    let (texts, bias) = (batch.textIDs, try out.bias(0))
    for row in 0..<batch.rows {
      for column in 0..<batch.rows where column != row && texts[column] == texts[row] {
        bias[row, column] += -.infinity
      }
    }
  }
}

/// Keeps the third column of the data out of the softmax, for losses that use it otherwise (`sncse`).
final class SoftNegatives: Sampler {
  let name = "soft-negatives"
  let summary = "the third column of the data is no candidate of the softmax (SNCSE, ICIC 2023)"

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    if limits.views < 3 { throw PluginError.unsupported("soft-negatives needs a third column of the data") }
    plan.editCells()
  }

  func sample(_ call: Call, _ batch: Batch, into out: Candidates) throws {
    for block in 0..<out.firstOwn where out.holdsHardNegatives(block) {
      let bias = try out.bias(block)
      for row in 0..<bias.rows { for column in 0..<bias.columns { bias[row, column] += -.infinity } }
    }
  }
}

extension [Int] {
  /// Columns by falling similarity, equal ones in their order.
  func nearestFirst(_ similarity: Vector) -> [Int] {
    sorted { a, b in similarity[a] > similarity[b] || similarity[a] == similarity[b] && a < b }
  }
}
