// What plugins may ask of text in a run: the rows of its training file and its tokenizer. Made by TrainingPlan.

import Host
import Tokenizer

extension RowTexts {
  /// The rows of a training file, read from it when they are asked for.
  convenience init(of data: TrainingData) {
    nonisolated(unsafe) let data = data
    self.init(rows: data.rows, columns: data.columns) { row, column in try data.texts(of: [row])[0][column] }
  }
}

extension VocabularyTexts {
  /// A tokenizer, of whose ids those below `size` are the encoder's, too.
  convenience init(of tokenizer: any Tokenizer, size: Int) {
    self.init(
      size: size,
      token: { id in id >= 0 && Int(id) < size ? tokenizer.token(id).map { Array($0.utf8) } : nil },
      text: { ids in ids.allSatisfy { $0 >= 0 && Int($0) < size } ? tokenizer.text(of: ids) : nil },
      encode: { text in
        // Between two special tokens; no text has so many others.
        let line = text.withUnsafeBufferPointer { tokenizer.encode($0, maximumLength: 1 << 40) }
        return Array(line.ids.dropFirst().dropLast())
      })
  }
}
