// Memory that a service lends to a plugin until its call returns.

/// Texts lent to the running call of one instance; freed when the next call begins.
final class LentMemory {
  private var blocks: [UnsafeMutableRawPointer] = []
  private var known: [Key: (start: UnsafePointer<CChar>, count: Int)] = [:]

  /// What a text is of, so that who asks twice is lent it once.
  enum Key: Hashable {
    case row(Int64, column: Int32)
    case token(Int32)
  }

  deinit { takeBack() }

  /// Frees everything.
  func takeBack() {
    for block in blocks { block.deallocate() }
    blocks.removeAll(keepingCapacity: true)
    known.removeAll(keepingCapacity: true)
  }

  /// The text of `key`, made by `text` where it is not lent yet; nil where `text` gives none.
  func lend(
    _ key: Key, _ length: UnsafeMutablePointer<Int64>?, _ text: () throws -> [UInt8]?
  ) rethrows -> UnsafePointer<CChar>? {
    if let text = known[key] {
      length?.pointee = Int64(text.count)
      return text.start
    }
    guard let bytes = try text() else {
      length?.pointee = 0
      return nil
    }
    let block = UnsafeMutableRawPointer.allocate(byteCount: max(bytes.count, 1), alignment: 1)
    block.copyMemory(from: bytes, byteCount: bytes.count)
    blocks.append(block)
    let start = UnsafePointer(block.bindMemory(to: CChar.self, capacity: max(bytes.count, 1)))
    known[key] = (start, bytes.count)
    length?.pointee = Int64(bytes.count)
    return start
  }
}
