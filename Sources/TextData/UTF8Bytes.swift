// Bytes that are no UTF-8, counted: they are read as U+FFFD, and the user is told.

/// How many bytes of the text belong to no valid UTF-8 sequence.
package func invalidUTF8Bytes(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
  var invalid = 0
  var position = 0
  while position < bytes.count {
    let lead = bytes[position]
    if lead < 0x80 {
      position += 1
      continue
    }
    let length = sequenceLength(bytes, at: position)
    invalid += length == 0 ? 1 : 0
    position += max(length, 1)
  }
  return invalid
}

/// The length of the well-formed sequence of two to four bytes at `position`, or 0. Source: Unicode 15, table 3-7.
private func sequenceLength(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int) -> Int {
  func tail(_ offset: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
    position + offset < bytes.count && range.contains(bytes[position + offset])
  }
  switch bytes[position] {
  case 0xC2...0xDF: return tail(1) ? 2 : 0
  case 0xE0: return tail(1, 0xA0...0xBF) && tail(2) ? 3 : 0
  case 0xED: return tail(1, 0x80...0x9F) && tail(2) ? 3 : 0
  case 0xE1...0xEF: return tail(1) && tail(2) ? 3 : 0
  case 0xF0: return tail(1, 0x90...0xBF) && tail(2) && tail(3) ? 4 : 0
  case 0xF1...0xF3: return tail(1) && tail(2) && tail(3) ? 4 : 0
  case 0xF4: return tail(1, 0x80...0x8F) && tail(2) && tail(3) ? 4 : 0
  default: return 0
  }
}
