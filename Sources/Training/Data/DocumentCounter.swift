// How many of the training texts hold each token, for poolers that start with it. Made by TrainingPlan, run when a plan
// asks for it.

import Host
import Tokenizer

extension DocumentFrequencies {
  /// Of each token id the share of the texts of `data`, all columns of all rows, that hold it, as training tokenizes
  /// them.
  convenience init(of data: TrainingData, tokenizer: any Tokenizer, maximumLength: Int, threads: Int) {
    nonisolated(unsafe) let data = data
    self.init {
      var counts = [Int](repeating: 0, count: tokenizer.vocabularySize)
      var seen = [Int](repeating: -1, count: tokenizer.vocabularySize)
      var texts = 0
      for start in stride(from: 0, to: data.rows, by: 4096) {
        let lines = try data.texts(of: Array(start..<min(start + 4096, data.rows))).joined()
        for line in tokenizer.encodeAll(Array(lines), maximumLength: maximumLength, threads: threads) {
          for id in line.ids.map(Int.init) where seen[id] != texts {
            seen[id] = texts
            counts[id] += 1
          }
          texts += 1
        }
      }
      return counts.map { Float($0) / Float(max(texts, 1)) }
    }
  }
}
