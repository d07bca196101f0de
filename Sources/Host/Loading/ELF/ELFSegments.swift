// The program headers of an ELF library: what is mapped where, and the notes.

import Files

/// The loadable segments, the dynamic section's place and the notes.
struct ELFSegments {
  struct Segment {
    let offset: UInt64
    let address: UInt64
    let fileSize: UInt64
    let memorySize: UInt64
    let alignment: UInt64
    let flags: UInt32

    var isExecutable: Bool { flags & 1 != 0 }
    var isWritable: Bool { flags & 2 != 0 }
  }

  private(set) var loads: [Segment] = []
  private(set) var dynamic: Segment?
  private var notes: [Segment] = []

  init(_ reader: ByteReader, _ header: ELFHeader) throws(PluginRefusal) {
    for index in 0..<header.programCount {
      let entry = header.programOffset + index * 56
      let type = try reader.u32(entry, "a program header")
      let segment = Segment(
        offset: try reader.u64(entry + 8, "a program header"), address: try reader.u64(entry + 16, "a program header"),
        fileSize: try reader.u64(entry + 32, "a program header"),
        memorySize: try reader.u64(entry + 40, "a program header"),
        alignment: try reader.u64(entry + 48, "a program header"), flags: try reader.u32(entry + 4, "a program header"))
      switch type {
      case 1: try add(load: segment, index: index, reader)
      case 2:
        try reader.check(segment.offset, segment.fileSize, "the dynamic section")
        dynamic = segment
      case 4:
        try reader.check(segment.offset, segment.fileSize, "segment \(index) (notes)")
        guard notes.count < ELFLimits.notes else { throw .malformed("it has too many segments of notes") }
        // Only the build id is wanted of them, which is small.
        if segment.fileSize <= ELFLimits.noteBytes { notes.append(segment) }
      default: break
      }
    }
    if loads.isEmpty { throw .malformed("it has no loadable segment") }
    // The loader finds the dynamic section by its address, readers of files by its offset.
    if let dynamic, place(of: dynamic.address)?.offset != dynamic.offset {
      throw .malformed("its dynamic section lies outside of its segments")
    }
  }

  /// The loader trusts these, so what it would trip over is refused here.
  private mutating func add(load: Segment, index: UInt64, _ reader: ByteReader) throws(PluginRefusal) {
    try reader.check(load.offset, load.fileSize, "segment \(index)")
    guard load.fileSize <= load.memorySize, load.memorySize < 1 << 40, load.address < 1 << 46 else {
      throw .malformed("segment \(index) has impossible sizes")
    }
    guard load.alignment <= 1 || load.alignment & (load.alignment - 1) == 0,
      load.alignment <= 1 || load.address % load.alignment == load.offset % load.alignment
    else { throw .malformed("segment \(index) is not aligned") }
    if let last = loads.last, load.address < last.address + last.memorySize {
      throw .malformed("segment \(index) overlaps the one before it")
    }
    guard loads.count < ELFLimits.loads else { throw .malformed("it has too many segments") }
    loads.append(load)
  }

  /// The place in the file of what is mapped at `address`, and how many bytes of its segment follow there.
  func place(of address: UInt64) -> (offset: UInt64, available: UInt64)? {
    for load in loads where address >= load.address && address - load.address < load.fileSize {
      let inside = address - load.address
      return (load.offset + inside, load.fileSize - inside)
    }
    return nil
  }

  /// Whether `count` bytes from `address` are mapped, be it from the file or as zeros.
  func holds(_ address: UInt64, _ count: UInt64) -> Bool {
    loads.contains { contains($0, address, count) }
  }

  func holdsWritable(_ address: UInt64, _ count: UInt64) -> Bool {
    loads.contains { $0.isWritable && contains($0, address, count) }
  }

  func holdsCode(_ address: UInt64) -> Bool {
    loads.contains { $0.isExecutable && contains($0, address, 1) }
  }

  private func contains(_ load: Segment, _ address: UInt64, _ count: UInt64) -> Bool {
    address >= load.address && address - load.address <= load.memorySize
      && count <= load.memorySize - (address - load.address)
  }

  /// The GNU build id among the notes, as lower-case hexadecimal digits.
  func buildID(_ reader: ByteReader) throws(PluginRefusal) -> String? {
    for note in notes {
      var position = note.offset
      let end = note.offset + note.fileSize
      while position + 12 <= end {
        let nameSize = UInt64(try reader.u32(position, "a note"))
        let size = UInt64(try reader.u32(position + 4, "a note"))
        let type = try reader.u32(position + 8, "a note")
        let content = position + 12 + (nameSize + 3) / 4 * 4
        let next = content + (size + 3) / 4 * 4
        guard next <= end + 3, content + size <= end else { break }
        let name = reader.bytes[Int(position + 12)..<Int(min(end, position + 12 + nameSize))]
        if type == 3, name.elementsEqual("GNU\0".utf8), size <= 64 {
          return hexadecimal(reader.bytes[Int(content)..<Int(content + size)])
        }
        position = next
      }
    }
    return nil
  }
}
