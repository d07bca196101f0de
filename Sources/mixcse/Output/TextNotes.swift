// What the commands say of lines that they embedded, after all of them.

import TextData

/// Says how many lines were empty, no UTF-8, or longer than `limit` tokens.
func note(_ counts: TextCounts, limit: Int) {
  for (count, what) in [
    (counts.empty, "empty lines were embedded as such"), (counts.invalid, "lines held bytes that are no UTF-8"),
    (counts.cut, "lines were longer than \(limit) tokens and were cut"),
  ] where count > 0 { printToStandardError("note: \(count) \(what)") }
}
