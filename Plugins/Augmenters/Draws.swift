// What the augmenters of this folder share: whose tokens they edit, and their random numbers.

import PluginKit

/// Which views are edited; `added`: a further view is made of the positives, which stay.
enum Edited: Int64, CaseIterable {
  case positive, anchor, both, added

  /// The indices of the views.
  var views: [Int] {
    switch self {
    case .positive, .added: [1]
    case .anchor: [0]
    case .both: [0, 1]
    }
  }
}

/// An augmenter with a parameter that says which views it edits.
protocol ViewEditor: Augmenter {
  var edits: Choice<Edited> { get }
}

extension ViewEditor {
  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws { try declare(call, plan) }

  /// Says whose tokens it edits.
  func declare(_ call: Call, _ plan: Plan) throws {
    let views = call[edits].views
    if call[edits] == .added { try plan.addView(from: views[0]) } else { plan.edit(views: views) }
  }
}

extension Edit {
  /// Uniform numbers in [0, 1): one a token, and one a sequence behind them; other ones in each batch and view.
  func draws(_ call: Call) throws -> (tokens: [Float], sequences: [Float]) {
    let count = tokenCount + sequences
    let numbers = try [Float](unsafeUninitializedCapacity: count) { buffer, filled in
      // Views apart by more numbers than a batch has tokens.
      if let start = buffer.baseAddress { try call.random(.uniform, offset: view << 40, into: start, count: count) }
      filled = count
    }
    return (Array(numbers[..<tokenCount]), Array(numbers[tokenCount...]))
  }

  /// The tokens of a sequence that are no special ones.
  func plain(_ tokens: Range<Int>) -> [Int] { tokens.filter { !isSpecial($0) } }
}
