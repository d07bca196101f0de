// The dynamic section of an ELF library: what it needs, its string table and its symbols.

/// What no honest library comes near; the bounds keep the work that a hostile one can cause in proportion to its size.
enum ELFLimits {
  static let dynamicEntries: UInt64 = 1 << 16
  static let loads = 64
  static let notes = 64
  static let noteBytes: UInt64 = 1 << 20
  static let namesOfOneTag = 256
  /// Of a name of a library, or of a whole search path.
  static let path = 16 << 10
  /// Linkers let a name be the end of another, and versions of a symbol share one: how often bytes may be read.
  static let sharing: UInt64 = 8
  static let leastNames: UInt64 = 1 << 16
}

/// The entries of the dynamic section, with the tables they point to checked against the file.
struct ELFDynamic {
  enum Tag: UInt64 {
    case needed = 1
    case pltRelocationsSize = 2
    case pltGOT = 3
    case hash = 4
    case strings = 5
    case symbols = 6
    case relocations = 7
    case relocationsSize = 8
    case relocationSize = 9
    case stringsSize = 10
    case symbolSize = 11
    case initialiser = 12
    case finaliser = 13
    case soName = 14
    case rPath = 15
    case rel = 17
    case pltKind = 20
    case pltRelocations = 23
    case initialisers = 25
    case finalisers = 26
    case initialisersSize = 27
    case finalisersSize = 28
    case runPath = 29
    case gnuHash = 0x6FFF_FEF5
    case versions = 0x6FFF_FFF0
    case relativeCount = 0x6FFF_FFF9
    case versionsDefined = 0x6FFF_FFFC
    case versionsNeeded = 0x6FFF_FFFE
    case auxiliary = 0x7FFF_FFFD
    case filter = 0x7FFF_FFFF
  }

  private var entries: [(tag: UInt64, value: UInt64)] = []
  /// Of several entries of a tag the loader takes the last one.
  private var last: [UInt64: UInt64] = [:]
  /// Bytes of names that may still be read. Names share text, so a small table could stand for gigabytes of them.
  private var room: UInt64 = 0
  private let segments: ELFSegments
  private var stringsStart: UInt64 = 0
  private var stringsEnd: UInt64 = 0

  /// Nil where the library has no dynamic section.
  init?(_ reader: ByteReader, _ segments: ELFSegments) throws(PluginRefusal) {
    guard let dynamic = segments.dynamic else { return nil }
    self.segments = segments
    for index in 0..<(dynamic.fileSize / 16) {
      let tag = try reader.u64(dynamic.offset + index * 16, "the dynamic section")
      if tag == 0 { break }
      guard index < ELFLimits.dynamicEntries else { throw .malformed("its dynamic section has too many entries") }
      let value = try reader.u64(dynamic.offset + index * 16 + 8, "the dynamic section")
      entries.append((tag, value))
      last[tag] = value
    }
    guard let address = value(.strings), let size = value(.stringsSize) else {
      throw .malformed("its dynamic section names no string table")
    }
    guard let place = segments.place(of: address), size <= place.available else {
      throw .malformed("its string table lies outside of its segments")
    }
    (stringsStart, stringsEnd) = (place.offset, place.offset + size)
    room = size * ELFLimits.sharing + ELFLimits.leastNames
  }

  /// What the last entry of a tag says; nil where there is none.
  func value(_ tag: Tag) -> UInt64? { last[tag.rawValue] }

  /// The strings that all entries of `tag` stand for, in order.
  mutating func strings(of tag: Tag, _ reader: ByteReader) throws(PluginRefusal) -> [String] {
    var result: [String] = []
    for entry in entries where entry.tag == tag.rawValue {
      guard let text = try text(entry.value, reader) else {
        throw .malformed("its dynamic section points outside of its string table")
      }
      guard result.count < ELFLimits.namesOfOneTag, text.utf8.count <= ELFLimits.path else {
        throw .malformed("its dynamic section names more or longer libraries or folders than any loader takes")
      }
      result.append(text)
    }
    return result
  }

  /// The text at `offset` in the string table; nil where it lies outside or does not end.
  /// - Throws: `PluginRefusal.malformed` where more names were read than honest tables stand for.
  mutating func text(_ offset: UInt64, _ reader: ByteReader) throws(PluginRefusal) -> String? {
    guard offset < stringsEnd - stringsStart, let bytes = reader.string(stringsStart + offset, end: stringsEnd) else {
      return nil
    }
    guard bytes.count < room else { throw .malformed("its tables name the same texts over and over") }
    room -= UInt64(bytes.count) + 1
    return String(decoding: bytes, as: UTF8.self)
  }

  // MARK: Symbols

  struct Symbol {
    let name: UInt64
    let info: UInt8
    let other: UInt8
    let section: UInt16
    let value: UInt64
    let size: UInt64
  }

  struct SymbolTable {
    let offset: UInt64
    let count: Int

    func symbol(_ index: Int, _ reader: ByteReader) throws(PluginRefusal) -> Symbol {
      let entry = offset + UInt64(index) * 24
      let head = try reader.u64(entry, "symbol \(index)")
      return Symbol(
        name: head & 0xFFFF_FFFF, info: UInt8(truncatingIfNeeded: head >> 32),
        other: UInt8(truncatingIfNeeded: head >> 40), section: UInt16(truncatingIfNeeded: head >> 48),
        value: try reader.u64(entry + 8, "symbol \(index)"), size: try reader.u64(entry + 16, "symbol \(index)"))
    }
  }

  /// The dynamic symbols; nil where the library has none.
  func symbolTable(_ reader: ByteReader) throws(PluginRefusal) -> SymbolTable? {
    guard let address = value(.symbols) else { return nil }
    guard let place = segments.place(of: address) else {
      throw .malformed("its symbol table lies outside of its segments")
    }
    guard value(.symbolSize) ?? 24 == 24 else { throw .malformed("its symbols have an unknown size") }
    let count = try symbolCount(reader)
    guard count <= place.available / 24 else {
      throw .malformed("its symbol table of \(count) symbols does not fit into its segment")
    }
    return SymbolTable(offset: place.offset, count: Int(count))
  }

  /// The number of symbols stands nowhere; the hash tables tell it.
  private func symbolCount(_ reader: ByteReader) throws(PluginRefusal) -> UInt64 {
    if let address = value(.hash) {
      guard let place = segments.place(of: address), place.available >= 8 else {
        throw .malformed("its hash table lies outside of its segments")
      }
      return UInt64(try reader.u32(place.offset + 4, "the hash table"))
    }
    guard let address = value(.gnuHash) else { return 0 }
    guard let place = segments.place(of: address) else {
      throw .malformed("its hash table lies outside of its segments")
    }
    return try gnuHashCount(reader, at: place.offset, available: place.available)
  }

  /// One more than the last symbol of the longest chain. Source: the GNU hash section as ld and glibc use it.
  private func gnuHashCount(
    _ reader: ByteReader, at start: UInt64, available: UInt64
  ) throws(PluginRefusal) -> UInt64 {
    let what = "the hash table"
    let bucketCount = UInt64(try reader.u32(start, what))
    let firstHashed = UInt64(try reader.u32(start + 4, what))
    let bloomWords = UInt64(try reader.u32(start + 8, what))
    let buckets = start + 16 + bloomWords * 8
    let chains = buckets + bucketCount * 4
    guard chains - start <= available else { throw .malformed("its hash table does not fit into its segment") }
    var last: UInt64 = 0
    for index in 0..<bucketCount { last = max(last, UInt64(try reader.u32(buckets + index * 4, what))) }
    // Without hashed symbols only undefined ones are there, which come before firstHashed.
    if last < firstHashed { return firstHashed }
    while try reader.u32(chains + (last - firstHashed) * 4, what) & 1 == 0 { last += 1 }
    return last + 1
  }
}
