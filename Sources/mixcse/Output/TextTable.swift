// Tables of text, as the plugins and probe commands print them.

/// Columns as wide as their longest cell; the last one is as wide as it is.
func textTable(_ rows: [[String]], indent: Int = 0) -> String {
  let columns = rows.map(\.count).max() ?? 0
  let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
  return rows.map { row in
    let cells = row.enumerated().map { index, cell in
      index == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[index] - cell.count)
    }
    return String(repeating: " ", count: indent) + cells.joined(separator: "  ")
  }.joined(separator: "\n")
}
