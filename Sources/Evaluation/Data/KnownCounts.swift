// How many rows each file has as published, and how its labels are spread. A file that differs may be a broken copy, so
// its figure may not be comparable: the readers warn, naming the file. Counted on SentEval's data.

import Files

/// The published sizes of the data sets.
enum KnownCounts {
  /// Scored pairs of the sub-datasets of STS12 to STS16.
  static let stsPairs: [EvaluationTask: [(name: String, pairs: Int)]] = [
    .sts12: [
      ("MSRpar", 750), ("MSRvid", 750), ("SMTeuroparl", 459), ("surprise.OnWN", 750), ("surprise.SMTnews", 399),
    ],
    .sts13: [("FNWN", 189), ("headlines", 750), ("OnWN", 561)],
    .sts14: [
      ("deft-forum", 450), ("deft-news", 300), ("headlines", 750), ("images", 750), ("OnWN", 750), ("tweet-news", 750),
    ],
    .sts15: [
      ("answers-forums", 375), ("answers-students", 750), ("belief", 375), ("headlines", 750), ("images", 750),
    ],
    .sts16: [
      ("answer-answer", 254), ("headlines", 249), ("plagiarism", 230), ("postediting", 244), ("question-question", 209),
    ],
  ]

  static let sickTest = 4927
  static let sickTrial = 500

  /// Samples of each label, by file.
  static let labels: [String: [Int32: Int]] = [
    "rt-polarity.pos": [1: 5331], "rt-polarity.neg": [0: 5331],
    "custrev.pos": [1: 2407], "custrev.neg": [0: 1368],
    "subj.objective": [1: 5000], "subj.subjective": [0: 5000],
    "mpqa.pos": [1: 3312], "mpqa.neg": [0: 7294],
    "sentiment-train": [0: 29780, 1: 37569], "sentiment-dev": [0: 428, 1: 444], "sentiment-test": [0: 912, 1: 909],
    "train_5500.label": [0: 86, 1: 1162, 2: 1250, 3: 1223, 4: 835, 5: 896],
    "TREC_10.label": [0: 9, 1: 138, 2: 94, 3: 65, 4: 81, 5: 113],
    "msr_paraphrase_train.txt": [0: 1323, 1: 2753], "msr_paraphrase_test.txt": [0: 578, 1: 1147],
  ]

  /// A warning where a file's labels are not those published; nil where they are, or nothing is known.
  static func warning(path: String, labels found: [Int32]) -> String? {
    guard let known = labels[Path.name(of: path)] else { return nil }
    let counts = Dictionary(found.map { ($0, 1) }, uniquingKeysWith: +)
    guard counts != known else { return nil }
    let rows = known.values.reduce(0, +)
    if found.count != rows {
      return """
        \(path): expected \(rows) samples as published, found \(found.count). Broken copies circulate; figures on this \
        file cannot be compared
        """
    }
    func text(_ counts: [Int32: Int]) -> String {
      counts.sorted { $0.key < $1.key }.map { "\($0.value) of class \($0.key)" }.joined(separator: ", ")
    }
    return "\(path): expected \(text(known)), found \(text(counts)). Figures on this file cannot be compared"
  }

  /// A warning where a file does not have the pairs published.
  static func warning(path: String, pairs found: Int, known: Int, of what: String) -> String? {
    found == known
      ? nil : "\(path): expected \(known) scored pairs as in \(what), found \(found). Figures cannot be compared"
  }
}
