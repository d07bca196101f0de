// Growing memory of one encoder, reused from line to line, so that encoding a line allocates only its result.

/// A growing run of plain values; what is in it stays when it grows.
struct AppendingBuffer<Element: BitwiseCopyable>: ~Copyable {
  private(set) var pointer: UnsafeMutablePointer<Element>
  private var capacity: Int
  /// How many elements are in use; shrink it to drop the last ones.
  var count = 0

  init(capacity: Int = 256) {
    self.capacity = capacity
    pointer = .allocate(capacity: capacity)
  }

  deinit { pointer.deallocate() }

  /// Makes room for `additional` further elements.
  mutating func reserve(_ additional: Int) {
    if count + additional <= capacity { return }
    capacity = max(2 * capacity, count + additional)
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
    larger.update(from: pointer, count: count)
    pointer.deallocate()
    pointer = larger
  }

  mutating func append(_ element: Element) {
    reserve(1)
    pointer[count] = element
    count += 1
  }

  mutating func append(from source: UnsafePointer<Element>, count added: Int) {
    reserve(added)
    (pointer + count).update(from: source, count: added)
    count += added
  }

  subscript(_ index: Int) -> Element {
    get { pointer[index] }
    set { pointer[index] = newValue }
  }

  /// What is in use; valid until the next change.
  var view: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: pointer, count: count) }
}

extension AppendingBuffer where Element == UInt8 {
  /// Appends a character as UTF-8.
  mutating func append(scalar: UInt32) {
    reserve(4)
    let end = pointer + count
    switch scalar {
    case ..<0x80:
      end[0] = UInt8(truncatingIfNeeded: scalar)
      count += 1
    case ..<0x800:
      end[0] = UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6)
      end[1] = continuation(scalar)
      count += 2
    case ..<0x10000:
      end[0] = UInt8(truncatingIfNeeded: 0xE0 | scalar >> 12)
      end[1] = continuation(scalar >> 6)
      end[2] = continuation(scalar)
      count += 3
    default:
      end[0] = UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18)
      end[1] = continuation(scalar >> 12)
      end[2] = continuation(scalar >> 6)
      end[3] = continuation(scalar)
      count += 4
    }
  }

  private func continuation(_ bits: UInt32) -> UInt8 { UInt8(truncatingIfNeeded: 0x80 | bits & 0x3F) }
}
