// SentEval's `downstream` in small: every file of the fourteen tasks with a few rows of made-up words. Lets tests run
// whole evaluations in milliseconds, and break files at will.

import Foundation

/// A writer of a small `downstream` folder.
public enum SmallData {
  /// Sub-datasets by year.
  public static let years: [String: [String]] = [
    "12": ["MSRpar", "MSRvid", "SMTeuroparl", "surprise.OnWN", "surprise.SMTnews"],
    "13": ["FNWN", "headlines", "OnWN"],
    "14": ["deft-forum", "deft-news", "headlines", "images", "OnWN", "tweet-news"],
    "15": ["answers-forums", "answers-students", "belief", "headlines", "images"],
    "16": ["answer-answer", "headlines", "plagiarism", "postediting", "question-question"],
  ]

  /// Writes all files; words are those of `TinyModel`.
  public static func write(to folder: String) throws {
    let sentences = TinyModel().sentences(4000, seed: 5)
    var next = 0
    func sentence() -> String {
      next += 1
      return sentences[next % sentences.count]
    }
    func save(_ name: String, _ lines: [String]) throws {
      let path = folder + "/" + name
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try (lines.joined(separator: "\n") + "\n").write(toFile: path, atomically: true, encoding: .utf8)
    }
    for (year, names) in years {
      for name in names {
        try save("STS/STS\(year)-en-test/STS.input.\(name).txt", (0..<8).map { _ in "\(sentence())\t\(sentence())" })
        try save(
          "STS/STS\(year)-en-test/STS.gs.\(name).txt", (0..<8).map { $0 == 3 ? "" : "\(Double($0 * 5 % 8) / 2)" })
      }
    }
    for part in ["train", "dev", "test"] {
      try save(
        "STS/STSBenchmark/sts-\(part).csv",
        (0..<12).map { "g\tf\ty\t\($0)\t\(Double($0 * 5 % 11) / 2)\t\(sentence())\t\(sentence())" })
    }
    for part in ["train", "trial", "test_annotated"] {
      let rows = (0..<12).map { "\($0)\t\(sentence())\t\(sentence())\t\(1 + Double($0 * 5 % 9) / 2)\tNEUTRAL" }
      try save(
        "SICK/SICK_\(part).txt", ["pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment"] + rows)
    }
    for (task, names) in [
      ("MR", ["rt-polarity.pos", "rt-polarity.neg"]), ("CR", ["custrev.pos", "custrev.neg"]),
      ("SUBJ", ["subj.objective", "subj.subjective"]), ("MPQA", ["mpqa.pos", "mpqa.neg"]),
    ] {
      for name in names { try save("\(task)/\(name)", (0..<30).map { _ in sentence() }) }
    }
    for part in ["train", "dev", "test"] {
      try save("SST/binary/sentiment-\(part)", (0..<50).map { "\(sentence())\t\($0 % 2)" })
    }
    let classes = ["ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM"]
    for (name, count) in [("train_5500.label", 150), ("TREC_10.label", 24)] {
      try save("TREC/\(name)", (0..<count).map { "\(classes[$0 % 6]):fine \(sentence())" })
    }
    for (name, count) in [("train", 60), ("test", 20)] {
      let rows = (0..<count).map { "\($0 % 3 == 0 ? 0 : 1)\t\($0)\t\($0)\t\(sentence())\t\(sentence())" }
      try save(
        "MRPC/msr_paraphrase_\(name).txt", ["\u{FEFF}Quality\t#1 ID\t#2 ID\t#1 String\t#2 String"] + rows)
    }
  }
}
