// Scores and labels of a training file's rows, collected in the one pass over it: a score is a number, a label any
// text, of which equal ones get the same number. Kept by RowIndex, handed out by TrainingData.

import Host
import Objective
import TextData

/// What the rows of a file say beside their texts.
struct RowLabelIndex {
  /// The first row that does not say it, and how many there are.
  private struct Gap {
    var line = 0
    var found = ""
    var rows = 0

    mutating func add(_ lines: ClosedRange<Int>, _ text: [UInt8]) {
      if rows == 0 { (line, found) = (lines.lowerBound, String(decoding: text.prefix(40), as: UTF8.self)) }
      rows += 1
    }
  }

  private var scores: [Float] = []
  private var classes: [Int32] = []
  private var numbers: [[UInt8]: Int32] = [:]
  private var gaps: [ColumnRole: Gap] = [:]

  /// Takes a row: what stands in each of `columns`.
  mutating func add(_ texts: [[UInt8]], _ columns: [ColumnRole], lines: ClosedRange<Int>) {
    for (role, text) in zip(columns, texts) {
      switch role {
      case .score:
        let score = Self.number(text)
        if score == nil { gaps[role, default: Gap()].add(lines, text) }
        scores.append(score ?? .nan)
      case .label:
        let label = Self.trimmed(text)
        if label.isEmpty { gaps[role, default: Gap()].add(lines, text) }
        classes.append(label.isEmpty ? -1 : number(of: Array(label)))
      default: break
      }
    }
  }

  private static func number(_ text: [UInt8]) -> Float? {
    // No comma for a point, no unit behind it.
    Float(String(decoding: trimmed(text), as: UTF8.self)).flatMap { $0.isFinite ? $0 : nil }
  }

  /// Without blanks and tabs at its ends.
  private static func trimmed(_ text: [UInt8]) -> ArraySlice<UInt8> {
    let start = text.firstIndex { $0 != 32 && $0 != 9 } ?? text.endIndex
    let end = text.lastIndex { $0 != 32 && $0 != 9 } ?? start
    return text[start..<(start == text.endIndex ? start : end + 1)]
  }

  private mutating func number(of label: [UInt8]) -> Int32 {
    let next = Int32(numbers.count)
    if let known = numbers[label] { return known }
    numbers[label] = next
    return next
  }

  /// What the file says of its rows.
  var supervision: Supervision {
    var known: Supervision = []
    if !scores.isEmpty { known.insert(.scores) }
    if !classes.isEmpty { known.insert(.classes) }
    return known
  }

  /// Those of some rows; nil for what the file does not have.
  func labels(of rows: [Int]) -> RowLabels {
    RowLabels(
      scores: scores.isEmpty ? nil : rows.map { scores[$0] },
      classes: classes.isEmpty ? nil : rows.map { Int64(classes[$0]) })
  }

  /// - Throws: `TrainingError.badData` where a row lacks what is needed, or where nothing can be told apart by it.
  func check(_ needs: Supervision, _ report: DataReport) throws {
    for (need, role) in [(Supervision.scores, ColumnRole.score), (.classes, .label)] where needs.contains(need) {
      let name = report.source(of: role)
      if let gap = gaps[role] {
        throw TrainingError.badData(
          path: report.path, line: gap.line,
          expected: role == .score ? "a number in column \(name)" : "a label in column \(name)",
          found: (gap.found.isEmpty ? "nothing" : "'\(gap.found)'")
            + (gap.rows > 1 ? ", and so in \(gap.rows) rows" : ""),
          advice: "Leave such rows out of the file, or name another column with --columns")
      }
      let isConstant =
        role == .score ? scores.allSatisfy { $0 == scores.first } : classes.allSatisfy { $0 == classes.first }
      guard isConstant, report.rows > 1 else { continue }
      throw TrainingError.badData(
        path: report.path, line: 0, expected: "different \(role.rawValue)s in column \(name)",
        found: "the same one in all \(report.rows) rows", advice: "Name another column with --columns")
    }
  }
}
