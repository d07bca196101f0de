// Reader of zip archives: stored and deflated entries, zip64, checksums. Called by TorchCheckpoint.
// Source: PKWARE APPNOTE 6.3.10, sections 4.3 to 4.5.

import CZlib

/// An open zip archive whose directory has been checked.
package final class ZipArchive {
  /// One file of the archive, as the directory describes it.
  package struct Entry: Equatable {
    /// Its path inside the archive.
    package var name: String
    /// Whether it is compressed; otherwise its bytes stand as they are.
    package var isDeflated: Bool
    /// CRC-32 of its contents.
    package var checksum: UInt32
    /// Bytes it takes in the archive.
    package var compressedSize: Int
    /// Bytes of its contents.
    package var size: Int
    /// Where its local header starts, in bytes from the start of the archive.
    package var headerOffset: Int
  }

  /// The archive.
  package let file: InputFile
  /// Its files by name.
  package private(set) var entries: [String: Entry] = [:]

  /// Whether a file begins like a zip archive.
  package static func recognises(_ file: InputFile) throws -> Bool {
    try file.size >= 4 && file.bytes(at: 0, count: 4) == [0x50, 0x4B, 3, 4]
  }

  /// Reads the directory at the end of the archive.
  /// - Throws: `FileError` where it is missing, cut or contradicts itself.
  package init(_ file: InputFile) throws {
    self.file = file
    let directory = try locateDirectory()
    let bytes = try file.bytes(at: directory.offset, count: directory.size)
    var position = 0
    for number in 0..<directory.count {
      let entry = try parseEntry(bytes, &position, number: number)
      guard entries.updateValue(entry, forKey: entry.name) == nil else {
        throw broken("zip directory", "each name once", "\"\(entry.name.prefix(120))\" again")
      }
    }
  }

  /// The whole contents of an entry, inflated and checked against its checksum.
  /// - Throws: `FileError.malformed` where it is damaged.
  package func contents(of entry: Entry) throws -> [UInt8] {
    let start = try dataOffset(of: entry)
    guard start <= file.size, entry.compressedSize <= file.size - start else {
      throw broken(place(entry), "\(entry.compressedSize) bytes of data", "\(max(0, file.size - start)) until the end")
    }
    let raw = try file.bytes(at: start, count: entry.compressedSize)
    let bytes = entry.isDeflated ? try inflate(raw, entry) : raw
    guard bytes.count == entry.size else { throw broken(place(entry), "\(entry.size) bytes", "\(bytes.count)") }
    let checksum = bytes.withUnsafeBytes { CRC32.checksum($0) }
    guard checksum == entry.checksum else {
      throw broken(place(entry), "checksum \(entry.checksum)", "\(checksum)")
    }
    return bytes
  }

  private func place(_ entry: Entry) -> String { "zip entry \"\(entry.name.prefix(120))\"" }

  private func broken(_ place: String, _ expected: String, _ found: String) -> FileError {
    .malformed(path: file.path, place: place, expected: expected, found: found)
  }
}

// MARK: - The directory

extension ZipArchive {
  private func locateDirectory() throws -> (offset: Int, size: Int, count: Int) {
    let tailSize = min(file.size, 22 + 65_535)
    let tail = try file.bytes(at: file.size - tailSize, count: tailSize)
    let last = stride(from: tail.count - 22, through: 0, by: -1).first { position in
      tail.little(4, at: position) == 0x0605_4B50 && tail.little(2, at: position + 20) == tail.count - position - 22
    }
    guard let position = last, let count = tail.little(2, at: position + 10),
      let size = tail.little(4, at: position + 12), let offset = tail.little(4, at: position + 16)
    else { throw broken("the file", "a zip directory at its end", "none: it is cut or no zip archive") }
    var directory = (offset: offset, size: size, count: count)
    if count == 0xFFFF || size == 0xFFFF_FFFF || offset == 0xFFFF_FFFF {
      if let wide = try locateWideDirectory(before: file.size - tailSize + position) { directory = wide }
    }
    guard directory.offset <= file.size, directory.size <= file.size - directory.offset,
      directory.count <= directory.size / 46
    else {
      throw broken(
        "zip directory", "a place inside the file of \(file.size) bytes",
        "\(directory.count) entries in \(directory.size) bytes at \(directory.offset)")
    }
    return directory
  }

  /// The zip64 form, which a locator of 20 bytes just before the ordinary end record points to.
  private func locateWideDirectory(before end: Int) throws -> (offset: Int, size: Int, count: Int)? {
    guard end >= 20 else { return nil }
    let locator = try file.bytes(at: end - 20, count: 20)
    guard locator.little(4, at: 0) == 0x0706_4B50 else { return nil }
    guard let at = locator.little(8, at: 8), file.size >= 56, at <= file.size - 56 else {
      throw broken("zip64 locator", "a place inside the file of \(file.size) bytes", "another")
    }
    let record = try file.bytes(at: at, count: 56)
    guard record.little(4, at: 0) == 0x0606_4B50, let count = record.little(8, at: 32),
      let size = record.little(8, at: 40), let offset = record.little(8, at: 48)
    else { throw broken("zip64 directory", "its signature at byte \(at)", "other bytes") }
    return (offset, size, count)
  }

  private func parseEntry(_ bytes: [UInt8], _ position: inout Int, number: Int) throws -> Entry {
    let start = position
    guard bytes.little(4, at: start) == 0x0201_4B50, let flags = bytes.little(2, at: start + 8),
      let method = bytes.little(2, at: start + 10), let checksum = bytes.little(4, at: start + 16),
      var compressed = bytes.little(4, at: start + 20), var size = bytes.little(4, at: start + 24),
      let nameLength = bytes.little(2, at: start + 28), let extraLength = bytes.little(2, at: start + 30),
      let commentLength = bytes.little(2, at: start + 32), var offset = bytes.little(4, at: start + 42),
      bytes.count - start - 46 >= nameLength + extraLength + commentLength
    else { throw broken("zip directory, entry \(number)", "a whole record", "other bytes or the end") }
    let extraStart = start + 46 + nameLength
    guard let name = String(validating: bytes[start + 46..<extraStart], as: UTF8.self) else {
      throw broken("zip directory, entry \(number)", "a name in UTF-8", "other bytes")
    }
    try readWideFields(
      Array(bytes[extraStart..<extraStart + extraLength]), name: name, &size, &compressed, &offset)
    guard flags & 1 == 0, method == 0 || method == 8 else {
      throw broken(
        "zip entry \"\(name.prefix(120))\"", "method 0 (stored) or 8 (deflate), not encrypted",
        flags & 1 == 0 ? "method \(method)" : "an encrypted entry")
    }
    position = extraStart + extraLength + commentLength
    return Entry(
      name: name, isDeflated: method == 8, checksum: UInt32(checksum), compressedSize: compressed, size: size,
      headerOffset: offset)
  }

  /// Extra field 1 holds those of size, compressed size and offset, in that order, whose 32 bits are all ones.
  private func readWideFields(
    _ extra: [UInt8], name: String, _ size: inout Int, _ compressed: inout Int, _ offset: inout Int
  ) throws {
    var position = 0
    while let tag = extra.little(2, at: position), let length = extra.little(2, at: position + 2) {
      var field = position + 4
      position = field + length
      guard tag == 1 else { continue }
      for value in [0, 1, 2] {
        let narrow = [size, compressed, offset][value]
        guard narrow == 0xFFFF_FFFF else { continue }
        guard field + 8 <= position, let wide = extra.little(8, at: field) else {
          throw broken("zip entry \"\(name.prefix(120))\"", "zip64 sizes below 2^63", "others")
        }
        field += 8
        if value == 0 { size = wide } else if value == 1 { compressed = wide } else { offset = wide }
      }
    }
  }

  private func dataOffset(of entry: Entry) throws -> Int {
    guard file.size >= 30, entry.headerOffset <= file.size - 30 else {
      throw broken(place(entry), "a header inside the file of \(file.size) bytes", "one at byte \(entry.headerOffset)")
    }
    let header = try file.bytes(at: entry.headerOffset, count: 30)
    guard header.little(4, at: 0) == 0x0403_4B50, let name = header.little(2, at: 26),
      let extra = header.little(2, at: 28)
    else { throw broken(place(entry), "a local header at byte \(entry.headerOffset)", "other bytes") }
    return entry.headerOffset + 30 + name + extra
  }
}

// MARK: - Deflate

extension ZipArchive {
  /// Deflate cannot expand more than this; a larger claim is a lie and is not allocated.
  private static let maximumExpansion = 1_040

  private func inflate(_ raw: [UInt8], _ entry: Entry) throws -> [UInt8] {
    // Weights hardly compress. What is small may: a table of zeros.
    guard entry.size <= 64 << 20 || entry.size / 100 <= raw.count else {
      throw broken(
        place(entry), "at most 100 times the size of its compressed data", "\(entry.size) of \(raw.count) bytes")
    }
    guard entry.size / Self.maximumExpansion <= raw.count, raw.count <= Int(UInt32.max), entry.size <= Int(UInt32.max)
    else { throw broken(place(entry), "a size \(raw.count) bytes can inflate to", "\(entry.size)") }
    try checkMemory(entry.size, path: file.path)
    var stream = z_stream()
    guard inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw broken(place(entry), "memory to inflate it", "none")
    }
    defer { inflateEnd(&stream) }
    var input = raw
    var status = Z_OK
    let output = [UInt8](unsafeUninitializedCapacity: entry.size) { buffer, filled in
      input.withUnsafeMutableBufferPointer { source in
        stream.next_in = source.baseAddress
        stream.avail_in = UInt32(source.count)
        stream.next_out = buffer.baseAddress
        stream.avail_out = UInt32(entry.size)
        status = CZlib.inflate(&stream, Z_FINISH)
      }
      filled = entry.size - Int(stream.avail_out)
    }
    guard status == Z_STREAM_END else {
      throw broken(place(entry), "a deflate stream of \(entry.size) bytes", "one that breaks after \(output.count)")
    }
    return output
  }
}

extension Array where Element == UInt8 {
  /// The little-endian number of `count` bytes at `offset`; nil past the end or above `Int.max`.
  package func little(_ count: Int, at offset: Int) -> Int? {
    guard offset >= 0, offset <= self.count, count <= self.count - offset else { return nil }
    var value: UInt64 = 0
    for i in 0..<count { value |= UInt64(self[offset + i]) << (8 * i) }
    return Int(exactly: value)
  }
}
