// Rows that say the same in almost the same words are no negatives of each other.

import PluginKit

/// Excludes in-batch negatives whose text shares too many words with the anchor's: the words of anchor i and of
/// positive j, lower-cased runs of letters and digits, as sets `A` and `P`; excluded where
/// `|A and P| / |A or P| > threshold`.
///
/// What is alike by its words is found before the encoder has learned anything, which a filter by cosines is not.
///
/// Source: the index of Jaccard, "The Distribution of the Flora in the Alpine Zone", New Phytologist, 1912; as a
/// measure of copies in Broder, "On the Resemblance and Containment of Documents", 1997.
final class WordOverlap: Sampler {
  let name = "word-overlap"
  let summary = """
    in-batch negatives that share most words with the anchor are excluded: probably positives (Jaccard's index)
    excluded where |A and P| / |A or P| > threshold, A and P the words of anchor i and of positive j
    """

  let threshold = Real(0.5, in: "[0,1]", live: true, "the largest share of common words; 1 excludes none")

  let excluded = Metric()

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    plan.editCells()
    plan.readTexts()
  }

  func sample(_ call: Call, _ batch: Batch, into out: Candidates) throws {
    let (texts, bias) = (try call.rowTexts(), try out.bias(0))
    func words(_ column: Int) throws -> [Set<Substring>] {
      try batch.rowIDs.map { row in
        String(decoding: try texts.text(ofRow: row, column: column), as: UTF8.self).words
      }
    }
    let (anchors, positives) = (try words(0), try words(1))
    var holders: [Substring: [Int]] = [:]
    for (column, words) in positives.enumerated() { for word in words { holders[word, default: []].append(column) } }
    var count = 0
    for row in 0..<batch.rows {
      var shared: [Int: Int] = [:]
      for word in anchors[row] {
        for column in holders[word] ?? [] where column != row { shared[column, default: 0] += 1 }
      }
      for (column, common) in shared {
        let all = anchors[row].count + positives[column].count - common
        guard Double(common) > Double(call[threshold]) * Double(all) else { continue }
        bias[row, column] += -.infinity
        count += 1
      }
    }
    call.report(excluded, Double(count) / Double(max(1, batch.rows * (batch.rows - 1))))
  }
}

extension String {
  /// Its runs of letters and digits, lower-cased.
  fileprivate var words: Set<Substring> {
    Set(lowercased().split { !$0.isLetter && !$0.isNumber })
  }
}
