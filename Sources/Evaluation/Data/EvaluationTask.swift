// The names of the tasks and the sets they come in. Used by the evaluate command and the readers.

/// The fourteen tasks in the order they are printed.
package enum EvaluationTask: String, Sendable, CaseIterable {
  case sts12 = "STS12"
  case sts13 = "STS13"
  case sts14 = "STS14"
  case sts15 = "STS15"
  case sts16 = "STS16"
  case stsBenchmark = "STSBenchmark"
  case sickRelatedness = "SICKRelatedness"
  case mr = "MR"
  case cr = "CR"
  case subj = "SUBJ"
  case mpqa = "MPQA"
  case sst2 = "SST2"
  case trec = "TREC"
  case mrpc = "MRPC"

  /// The seven STS sets.
  package static let sts: [EvaluationTask] = allCases.filter { !$0.isTransfer }
  /// The seven transfer tasks.
  package static let transfer: [EvaluationTask] = allCases.filter(\.isTransfer)

  /// Frozen embeddings under a classifier, as against cosines.
  package var isTransfer: Bool {
    switch self {
    case .sts12, .sts13, .sts14, .sts15, .sts16, .stsBenchmark, .sickRelatedness: false
    case .mr, .cr, .subj, .mpqa, .sst2, .trec, .mrpc: true
    }
  }

  /// STS12 to STS16 have no development part.
  package var hasDev: Bool { isTransfer || self == .stsBenchmark || self == .sickRelatedness }

  /// The task's folder in `downstream`.
  var folder: String {
    switch self {
    case .sts12, .sts13, .sts14, .sts15, .sts16: "STS/\(rawValue)-en-test"
    case .stsBenchmark: "STS/STSBenchmark"
    case .sickRelatedness: "SICK"
    case .sst2: "SST/binary"
    case .mr, .cr, .subj, .mpqa, .trec, .mrpc: rawValue
    }
  }

  private static let otherNames: [String: EvaluationTask] = [
    "STSB": .stsBenchmark, "SICKR": .sickRelatedness, "SICK": .sickRelatedness,
  ]

  /// Reads a name; case and dashes do not matter, and STS-B and SICK-R are known.
  /// - Throws: `EvaluationError.unknownName`.
  package init(named name: String) throws {
    let key = name.filter { $0 != "-" && $0 != "_" }.uppercased()
    guard let task = Self.allCases.first(where: { $0.rawValue.uppercased() == key }) ?? Self.otherNames[key] else {
      throw EvaluationError.unknownName(kind: "task", name: name, known: Self.allCases.map(\.rawValue))
    }
    self = task
  }
}
