// Checks of what the dynamic loader takes on trust: relocations, initialisers and table addresses of a damaged
// library would make it write or jump anywhere. Called by ELFImage.

/// The loader's inputs beyond names and symbols, checked against the segments.
struct ELFRelocations {
  let reader: ByteReader
  let segments: ELFSegments
  let dynamic: ELFDynamic
  let symbolCount: Int

  #if arch(x86_64)
    /// R_X86_64_RELATIVE, and all types glibc handles in a shared library.
    private static let relative: UInt64 = 8
    private static let known: Set<UInt64>? = [0, 1, 2, 5, 6, 7, 8, 10, 16, 17, 18, 24, 32, 33, 36, 37, 38]
  #elseif arch(arm64)
    private static let relative: UInt64 = 1027
    private static let known: Set<UInt64>? = nil
  #else
    private static let relative: UInt64 = 3
    private static let known: Set<UInt64>? = nil
  #endif

  /// - Throws: `PluginRefusal.malformed`
  func check() throws(PluginRefusal) {
    guard dynamic.value(.rel) == nil, dynamic.value(.relocationSize) ?? 24 == 24, dynamic.value(.pltKind) ?? 7 == 7
    else { throw .malformed("its relocations are of an unknown form") }
    try checkTable(.relocations, .relocationsSize, leadingRelative: dynamic.value(.relativeCount) ?? 0)
    try checkTable(.pltRelocations, .pltRelocationsSize, leadingRelative: 0)
    for tag in [ELFDynamic.Tag.initialiser, .finaliser] {
      guard let address = dynamic.value(tag), address != 0 else { continue }
      guard segments.holdsCode(address) else { throw .malformed("an initialiser lies outside of its code") }
    }
    try checkArray(.initialisers, .initialisersSize)
    try checkArray(.finalisers, .finalisersSize)
    for tag in [ELFDynamic.Tag.pltGOT, .versions, .versionsNeeded, .versionsDefined, .hash, .gnuHash] {
      guard let address = dynamic.value(tag) else { continue }
      guard segments.holds(address, 8) else { throw .malformed("a table lies outside of its segments") }
    }
  }

  private func checkArray(_ tag: ELFDynamic.Tag, _ sizeTag: ELFDynamic.Tag) throws(PluginRefusal) {
    let size = dynamic.value(sizeTag) ?? 0
    guard size > 0 || dynamic.value(tag) != nil else { return }
    guard size % 8 == 0, let address = dynamic.value(tag), size == 0 || segments.holds(address, size) else {
      throw .malformed("its list of initialisers lies outside of its segments")
    }
  }

  private func checkTable(
    _ tag: ELFDynamic.Tag, _ sizeTag: ELFDynamic.Tag, leadingRelative: UInt64
  ) throws(PluginRefusal) {
    let size = dynamic.value(sizeTag) ?? 0
    guard size > 0 || dynamic.value(tag) != nil else { return }
    guard size % 24 == 0, let address = dynamic.value(tag), let place = segments.place(of: address),
      size <= place.available, leadingRelative <= size / 24
    else { throw .malformed("its relocations lie outside of its segments") }
    for index in 0..<(size / 24) {
      let entry = place.offset + index * 24
      let info = try reader.u64(entry + 8, "a relocation")
      let type = info & 0xFFFF_FFFF
      let target = try reader.u64(entry, "a relocation")
      guard segments.holdsWritable(target, 8), info >> 32 < UInt64(max(1, symbolCount)),
        Self.known?.contains(type) ?? true, index >= leadingRelative || type == Self.relative
      else { throw .malformed("relocation \(index) leads out of the library") }
      // What is written may be any number, but what ends up among the initialisers is called.
      let addend = try reader.u64(entry + 16, "a relocation")
      if type == Self.relative, isInitialiser(target), !segments.holdsCode(addend) {
        throw .malformed("relocation \(index) makes an initialiser of what is no code")
      }
    }
  }

  private func isInitialiser(_ address: UInt64) -> Bool {
    [(ELFDynamic.Tag.initialisers, ELFDynamic.Tag.initialisersSize), (.finalisers, .finalisersSize)].contains {
      guard let start = dynamic.value($0), let size = dynamic.value($1) else { return false }
      return address >= start && address - start < size
    }
  }
}
