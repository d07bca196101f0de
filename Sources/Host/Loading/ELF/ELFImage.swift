// What a shared library's ELF file says about itself, read without running any of it.
// Used by the pre-flight of plugins and by the search for missing dependencies.

/// A 64-bit little-endian ELF shared library whose tables all lie inside the file.
package struct ELFImage: Sendable {
  /// DT_NEEDED, in order; then DT_FILTER, which the loader loads like them.
  package private(set) var needed: [String] = []
  /// DT_AUXILIARY: loaded, too, but where they are there only.
  package private(set) var auxiliary: [String] = []
  /// DT_SONAME.
  package private(set) var soName: String?
  /// DT_RUNPATH and DT_RPATH as they stand, with `$ORIGIN` unexpanded.
  package private(set) var runPath: String?
  /// DT_RPATH, which counts only where there is no DT_RUNPATH.
  package private(set) var rPath: String?
  /// Lower-case hexadecimal digits of the GNU build id.
  package private(set) var buildID: String?
  /// Names of symbols other libraries may bind to.
  package private(set) var exports: Set<String> = []
  /// Names that must be found elsewhere when it is loaded (weak ones need not).
  package private(set) var undefined: [String] = []
  /// Those of `exports` that are functions in its code.
  package private(set) var functions: Set<String> = []
  /// The text of bare functions, `const char cse_functions[]`.
  package private(set) var functionsText = FunctionsText.absent

  /// What the symbol `cse_functions` turned out to be.
  package enum FunctionsText: Sendable, Equatable {
    case absent
    /// It needs the loader to be followed.
    case pointer
    case unreadable(String)
    case text(String)
  }

  /// Reads `bytes`, a whole file.
  /// - Throws: `PluginRefusal`: `.notELF`, `.truncated`, `.malformed`, `.wrongMachine`, `.notALibrary`.
  package init(_ bytes: [UInt8]) throws(PluginRefusal) {
    let reader = ByteReader(bytes: bytes)
    let header = try ELFHeader(reader)
    let segments = try ELFSegments(reader, header)
    try ELFSections.check(reader, header)
    buildID = try segments.buildID(reader)
    guard var dynamic = try ELFDynamic(reader, segments) else {
      throw .malformed("it has no dynamic section")
    }
    needed = try dynamic.strings(of: .needed, reader) + dynamic.strings(of: .filter, reader)
    auxiliary = try dynamic.strings(of: .auxiliary, reader)
    soName = try dynamic.strings(of: .soName, reader).first
    runPath = try dynamic.strings(of: .runPath, reader).first
    rPath = try dynamic.strings(of: .rPath, reader).first
    let count = try readSymbols(reader, segments, &dynamic)
    try ELFRelocations(reader: reader, segments: segments, dynamic: dynamic, symbolCount: count).check()
  }

  /// The number of symbols, after their names were kept.
  private mutating func readSymbols(
    _ reader: ByteReader, _ segments: ELFSegments, _ dynamic: inout ELFDynamic
  ) throws(PluginRefusal) -> Int {
    guard let table = try dynamic.symbolTable(reader) else { return 0 }
    for index in 1..<max(1, table.count) {
      let symbol = try table.symbol(index, reader)
      let binding = symbol.info >> 4
      // Local symbols are nobody else's; hidden ones (visibility 1 and 2) cannot be bound to.
      guard binding == 1 || binding == 2 || binding == 10, symbol.other & 3 != 1, symbol.other & 3 != 2 else {
        continue
      }
      guard let name = try dynamic.text(symbol.name, reader), !name.isEmpty else {
        throw .malformed("symbol \(index) has no name inside the string table")
      }
      if symbol.section != 0 {
        // The entry is called: it must be code of this library. 2 is a function.
        if name.hasPrefix("cse_library_entry_v"), symbol.info & 15 != 2 || !segments.holdsCode(symbol.value) {
          throw .malformed("\(name) is no function in its code")
        }
        exports.insert(name)
        // 10: a function whose address is chosen when it is loaded.
        if [2, 10].contains(symbol.info & 15), segments.holdsCode(symbol.value) { functions.insert(name) }
        if name == "cse_functions", functionsText == .absent {
          functionsText = Self.functionsText(symbol, reader, segments)
        }
      } else if binding == 1 {
        undefined.append(name)
      }
    }
    return table.count
  }

  /// The NUL-terminated text an exported array holds.
  private static func functionsText(
    _ symbol: ELFDynamic.Symbol, _ reader: ByteReader, _ segments: ELFSegments
  ) -> FunctionsText {
    guard let place = segments.place(of: symbol.value) else { return .unreadable("it has no contents in the file") }
    let end = place.offset + min(place.available, UInt64(BareSource.largestText) + 1)
    guard let bytes = reader.string(place.offset, end: end) else {
      return .unreadable("it has no end within \(BareSource.largestText) bytes; it must be NUL-terminated")
    }
    // A pointer has the size of one, and its bytes in the file are an address or zeros.
    let isText = !bytes.isEmpty && bytes.allSatisfy { $0 >= 32 || (9...13).contains($0) }
    if symbol.size == 8, !isText { return .pointer }
    guard let text = String(validating: bytes, as: UTF8.self) else { return .unreadable("it is not UTF-8") }
    return .text(text)
  }

  /// The major versions of the plugin ABI it exports an entry for, ascending.
  package var entryMajors: [Int] {
    let prefix = "cse_library_entry_v"
    return exports.filter { $0.hasPrefix(prefix) }.compactMap { Int($0.dropFirst(prefix.count)) }.sorted()
  }

  /// Whether it offers bare functions: a C function and a line of text that describes it.
  package var offersBareFunctions: Bool {
    exports.contains("cse_functions") || exports.contains("cse_functions_v1")
  }
}

/// The file header: is it ELF at all, for this machine, a shared library?
struct ELFHeader {
  let programOffset: UInt64
  let programCount: UInt64
  let sectionOffset: UInt64
  let sectionCount: UInt64

  #if arch(x86_64)
    static let hostMachine: UInt16 = 62
  #elseif arch(arm64)
    static let hostMachine: UInt16 = 183
  #elseif arch(riscv64)
    static let hostMachine: UInt16 = 243
  #else
    #error("say which ELF machine number this architecture has")
  #endif

  init(_ reader: ByteReader) throws(PluginRefusal) {
    guard reader.bytes.starts(with: [0x7F, UInt8(ascii: "E"), UInt8(ascii: "L"), UInt8(ascii: "F")]) else {
      throw .notELF
    }
    try reader.check(0, 64, "the ELF header")
    let expected = Self.name(ofMachine: Self.hostMachine)
    guard reader.bytes[4] == 2 else { throw .wrongMachine(found: "32-bit code", expected: expected) }
    guard reader.bytes[5] == 1 else { throw .wrongMachine(found: "big-endian code", expected: expected) }
    guard reader.bytes[6] == 1 else { throw .malformed("unknown ELF version \(reader.bytes[6])") }
    let machine = try reader.u16(18, "the ELF header")
    guard machine == Self.hostMachine else {
      throw .wrongMachine(found: Self.name(ofMachine: machine), expected: expected)
    }
    let type = try reader.u16(16, "the ELF header")
    guard type == 3 else {
      throw .notALibrary(found: [1: "an object file", 2: "a program", 4: "a core dump"][type] ?? "ELF type \(type)")
    }
    programOffset = try reader.u64(32, "the ELF header")
    sectionOffset = try reader.u64(40, "the ELF header")
    let programSize = try reader.u16(54, "the ELF header")
    programCount = UInt64(try reader.u16(56, "the ELF header"))
    let sectionSize = try reader.u16(58, "the ELF header")
    sectionCount = UInt64(try reader.u16(60, "the ELF header"))
    guard programCount > 0, programSize == 56 else { throw .malformed("its program headers have \(programSize) bytes") }
    guard sectionCount == 0 || sectionSize == 64 else {
      throw .malformed("its section headers have \(sectionSize) bytes")
    }
    try reader.check(programOffset, programCount * 56, "the program header table")
    try reader.check(sectionOffset, sectionCount * 64, "the section header table")
  }

  static func name(ofMachine machine: UInt16) -> String {
    let names: [UInt16: String] = [
      3: "x86 (32-bit)", 8: "MIPS", 20: "PowerPC", 21: "PowerPC64", 22: "s390x", 40: "ARM (32-bit)", 62: "x86-64",
      183: "AArch64", 243: "RISC-V", 258: "LoongArch",
    ]
    return names[machine] ?? "ELF machine \(machine)"
  }
}

/// The section table is not needed to load a library, but it ends the file: it tells a half-written one.
enum ELFSections {
  static func check(_ reader: ByteReader, _ header: ELFHeader) throws(PluginRefusal) {
    for index in 0..<header.sectionCount {
      let entry = header.sectionOffset + index * 64
      let type = try reader.u32(entry + 4, "a section header")
      // An empty entry and a section without bytes in the file (.bss).
      if type == 0 || type == 8 { continue }
      let offset = try reader.u64(entry + 24, "a section header")
      let size = try reader.u64(entry + 32, "a section header")
      try reader.check(offset, size, "section \(index)")
    }
  }
}
