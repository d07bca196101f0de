// Readers of the seven transfer tasks. MR, CR, SUBJ, MPQA and TREC are Latin-1, SST2 and MRPC are UTF-8; empty lines of
// the first four are samples without words, as in the reference.

extension TransferTask {
  /// Reads a task.
  /// - Throws: `EvaluationError` naming file and line.
  package static func read(_ task: EvaluationTask, in downstream: DownstreamFolder) throws -> TransferTask {
    func file(_ name: String) -> String { downstream.file(task.folder + "/" + name) }
    var reader = TransferReader()
    var classes = ["0", "1"]
    let design: Design
    switch task {
    case .mr: design = .nested(try reader.binary(file("rt-polarity.pos"), file("rt-polarity.neg")))
    case .cr: design = .nested(try reader.binary(file("custrev.pos"), file("custrev.neg")))
    case .subj: design = .nested(try reader.binary(file("subj.objective"), file("subj.subjective")))
    case .mpqa: design = .nested(try reader.binary(file("mpqa.pos"), file("mpqa.neg")))
    case .trec:
      classes = TransferReader.questionClasses
      design = .trainTest(
        train: try reader.questions(file("train_5500.label")), test: try reader.questions(file("TREC_10.label")))
    case .mrpc:
      design = .trainTest(
        train: try reader.paraphrases(file("msr_paraphrase_train.txt")),
        test: try reader.paraphrases(file("msr_paraphrase_test.txt")))
    case .sst2:
      design = .split(
        train: try reader.sentiment(file("sentiment-train")), dev: try reader.sentiment(file("sentiment-dev")),
        test: try reader.sentiment(file("sentiment-test")))
    default: preconditionFailure("\(task.rawValue) is no transfer task")
    }
    let result = TransferTask(task: task, design: design, classes: classes, warnings: reader.warnings)
    try result.check()
    return result
  }
}

/// Reads files and collects warnings about them.
private struct TransferReader {
  static let questionClasses = ["ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM"]
  var warnings: [String] = []

  /// Two files, label 1 and label 0.
  mutating func binary(_ one: String, _ zero: String) throws -> LabelledPart {
    var part = LabelledPart(path: one, samples: [])
    for (path, label) in [(one, Int32(1)), (zero, Int32(0))] {
      var samples: [LabelledSample] = []
      var utf8: (first: Int, count: Int)?
      try TextLines.forEach(path) { line, number in
        if TextLines.looksLikeUTF8(line) { utf8 = (utf8?.first ?? number, (utf8?.count ?? 0) + 1) }
        samples.append(LabelledSample(first: joinedWords(TextLines.latin1(line)), label: label))
      }
      guard !samples.isEmpty else { throw EvaluationError.empty(path: path) }
      warnAboutUTF8(utf8, path)
      warnAboutCounts(path, samples)
      part.samples += samples
    }
    return part.sorted()
  }

  /// `COARSE:fine question`
  mutating func questions(_ path: String) throws -> LabelledPart {
    var utf8: (first: Int, count: Int)?
    let part = try read(path) { line, number in
      if TextLines.looksLikeUTF8(line) { utf8 = (utf8?.first ?? number, (utf8?.count ?? 0) + 1) }
      let text = TextLines.latin1(line)
      let parts = text.split(separator: ":", maxSplits: 1)
      let words = parts.count == 2 ? parts[1].split(separator: " ", maxSplits: 1) : []
      guard words.count == 2, let label = TransferReader.questionClasses.firstIndex(of: String(parts[0])) else {
        throw bad(
          path, number, "COARSE:fine question, COARSE one of \(TransferReader.questionClasses.joined(separator: " "))",
          text)
      }
      return LabelledSample(first: joinedWords(String(words[1])), label: Int32(label))
    }
    warnAboutUTF8(utf8, path)
    return part
  }

  /// `sentence TAB label`
  mutating func sentiment(_ path: String) throws -> LabelledPart {
    try read(path) { line, number in
      let text = try TextLines.utf8(line, path: path, number: number)
      let fields = text.split(separator: "\t", omittingEmptySubsequences: false)
      guard fields.count >= 2, let label = binaryLabel(fields[1]) else {
        throw bad(path, number, "a sentence, a tab, and the label 0 or 1", text)
      }
      return LabelledSample(first: joinedWords(String(fields[0])), label: label)
    }
  }

  /// One header line, then label, id, id, sentence, sentence; quotes are ordinary characters.
  mutating func paraphrases(_ path: String) throws -> LabelledPart {
    try read(path) { line, number in
      let text = try TextLines.utf8(line, path: path, number: number)
      let fields = text.split(separator: "\t", omittingEmptySubsequences: false)
      if number == 1, fields.count >= 5, binaryLabel(fields[0]) == nil { return nil }
      guard fields.count >= 5, let label = binaryLabel(fields[0]) else {
        throw bad(path, number, "label (0 or 1), id, id, sentence, sentence separated by tabs", text)
      }
      return LabelledSample(
        first: joinedWords(String(fields[3])), second: joinedWords(String(fields[4])), label: label)
    }
  }

  private mutating func read(
    _ path: String, _ parse: (_ line: ArraySlice<UInt8>, _ number: Int) throws -> LabelledSample?
  ) throws -> LabelledPart {
    var part = LabelledPart(path: path, samples: [])
    try TextLines.forEach(path) { line, number in
      if let sample = try parse(line, number) { part.samples.append(sample) }
    }
    guard !part.samples.isEmpty else { throw EvaluationError.empty(path: path) }
    warnAboutCounts(path, part.samples)
    return part.sorted()
  }

  private mutating func warnAboutCounts(_ path: String, _ samples: [LabelledSample]) {
    if let warning = KnownCounts.warning(path: path, labels: samples.map(\.label)) { warnings.append(warning) }
  }

  private mutating func warnAboutUTF8(_ lines: (first: Int, count: Int)?, _ path: String) {
    guard let lines else { return }
    warnings.append(
      """
      \(path):\(lines.first): expected Latin-1, found UTF-8 on \(lines.count) line(s); it is read as Latin-1 like the \
      published files, so figures cannot be compared
      """)
  }
}

/// 0 or 1; nil for anything else.
private func binaryLabel(_ text: Substring) -> Int32? {
  switch joinedWords(String(text)) {
  case "0": 0
  case "1": 1
  default: nil
  }
}

private func bad(_ path: String, _ number: Int, _ expected: String, _ found: String) -> EvaluationError {
  .badLine(path: path, line: number, expected: expected, found: "\"\(found.prefix(60))\"")
}
