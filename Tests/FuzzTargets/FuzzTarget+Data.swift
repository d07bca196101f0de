// Sentences and pairs to train on and to score.

import Evaluation
import TextData
import Training

extension FuzzTarget {
  static let data = [
    // The first byte picks the form.
    FuzzTarget("data") { bytes, scratch in
      guard let first = bytes.first else { return }
      let names = ["d.txt", "d.csv", "d.tsv", "d.jsonl", "d.json", "d.csv.gz", "d.jsonl.gz"]
      let path = try scratch.file(names[Int(first) % names.count], Array(bytes.dropFirst()))
      let data = try TrainingData(path: path, spoolFolder: scratch.path)
      for row in 0..<min(data.rows, 50) { _ = try data.texts(of: [row]) }
    },
    // Lines to encode, packed or not.
    FuzzTarget("lines") { bytes, scratch in
      guard let first = bytes.first else { return }
      let path = try scratch.file(first % 4 == 3 ? "l.txt.gz" : "l.txt", Array(bytes.dropFirst()))
      let lines = try LineInput(path: path, spoolFolder: scratch.path)
      while try !lines.next(3).isEmpty {}
    },
    FuzzTarget("pairs") { bytes, scratch in _ = try PairFile.read(scratch.file("pairs.tsv", bytes)) },
    FuzzTarget("sts-benchmark") { bytes, scratch in
      _ = try STSBenchmark.dev(in: scratch.file("sts-dev.csv", bytes))
    },
  ]
}
