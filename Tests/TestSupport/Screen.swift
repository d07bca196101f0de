// What a terminal shows after some text: enough of one for displays that renew themselves.

/// A terminal without an upper end: nothing that was written scrolls out of sight.
public struct Screen {
  /// Whether a narrower terminal breaks lines anew and lets the cursor go with the text (VTE, kitty, iTerm), or cuts
  /// them off (xterm).
  public let reflows: Bool
  private var lines: [Line] = [Line()]
  private var row = 0
  private var column = 0

  private struct Line {
    var text: [Character] = []
    /// It goes on in the next one: the text filled the width.
    var isWrapped = false
  }

  /// An empty terminal.
  public init(columns: Int, reflows: Bool = true) { (self.columns, self.reflows) = (columns, reflows) }

  /// Its width; may change.
  public var columns: Int { didSet { if columns != oldValue { resize() } } }

  /// What stands in it, without blanks at the ends.
  public var rows: [String] {
    lines.map { line in String(line.text).replacing(/\s+$/, with: "") }
  }

  /// Prints text, and obeys carriage returns, line feeds, and the sequences `A`, `J` (to the end) and `K`.
  public mutating func write(_ text: String) {
    var rest = Array(text.unicodeScalars)[...]
    while let scalar = rest.popFirst() {
      switch scalar {
      case "\r": column = 0
      case "\n": feed()
      case "\u{1B}":
        _ = rest.popFirst()
        var count = 0
        while let digit = rest.first?.value, (48...57).contains(digit) {
          count = count * 10 + Int(digit) - 48
          rest.removeFirst()
        }
        obey(rest.popFirst() ?? " ", count)
      default: put(Character(scalar))
      }
    }
  }

  private mutating func feed() {
    row += 1
    column = 0
    if row == lines.count { lines.append(Line()) }
  }

  private mutating func put(_ character: Character) {
    if column == columns {
      lines[row].isWrapped = true
      feed()
    }
    while lines[row].text.count <= column { lines[row].text.append(" ") }
    lines[row].text[column] = character
    column += 1
  }

  private mutating func obey(_ letter: Unicode.Scalar, _ count: Int) {
    switch letter {
    case "A": row = max(0, row - max(1, count))
    case "J", "K":
      lines[row].text.removeLast(max(0, lines[row].text.count - column))
      lines[row].isWrapped = false
      if letter == "J" { lines.removeLast(lines.count - row - 1) }
    default: break
    }
  }

  /// Lines as the text made them are broken anew, and the cursor stays where it was in the text.
  private mutating func resize() {
    guard reflows else {
      for index in lines.indices { lines[index].text = Array(lines[index].text.prefix(columns)) }
      return column = min(column, columns - 1)
    }
    let old = lines
    let (oldRow, oldColumn) = (row, column)
    lines = []
    var start = 0
    while start < old.count {
      var (end, text, cursor) = (start, [Character](), Int?.none)
      while true {
        if end == oldRow { cursor = text.count + oldColumn }
        text += old[end].text
        guard old[end].isWrapped, end + 1 < old.count else { break }
        end += 1
      }
      let first = lines.count
      repeat {
        lines.append(Line(text: Array(text.prefix(columns)), isWrapped: text.count > columns))
        text.removeFirst(min(columns, text.count))
      } while !text.isEmpty
      if let cursor { (row, column) = (min(first + cursor / columns, lines.count - 1), cursor % columns) }
      start = end + 1
    }
  }
}
