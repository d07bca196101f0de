// What came of a run, in the words of the reports.

/// Outcomes by name and as a sentence.
enum RunOutcomes {
  static func name(_ outcome: ComparedRun.Outcome) -> String {
    switch outcome {
    case .finished: "finished"
    case .failed: "failed"
    case .dropped: "dropped"
    case .unfinished: "unfinished"
    }
  }

  static func reason(_ outcome: ComparedRun.Outcome) -> String? {
    switch outcome {
    case .failed(let reason), .dropped(_, let reason): reason
    case .finished, .unfinished: nil
    }
  }

  static func sentence(_ outcome: ComparedRun.Outcome) -> String {
    switch outcome {
    case .finished: "finished"
    case .failed(let reason): "failed: \(reason)"
    case .dropped(let step, let reason): "dropped after step \(step): \(reason)"
    case .unfinished: "not finished yet"
    }
  }
}
