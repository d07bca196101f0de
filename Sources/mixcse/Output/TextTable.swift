// Tables of text, as the plugins and probe commands print them.

import Files

/// Columns as wide as their longest cell as it is shown; the last one is as wide as it is.
func textTable(_ cells: [[String]], indent: Int = 0) -> String {
  let rows = cells.map { $0.map(\.visible) }
  let columns = rows.map(\.count).max() ?? 0
  let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
  return rows.map { row in
    let cells = row.enumerated().map { index, cell in
      index == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[index] - cell.count)
    }
    return String(repeating: " ", count: indent) + cells.joined(separator: "  ")
  }.joined(separator: "\n")
}
