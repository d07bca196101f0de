// BERT's clean-up of text before it is split into words. Called by WordPieceStages for every stretch of text
// between added tokens. Follows Hugging Face's BertNormalizer step by step: clean, set ideographs apart,
// decompose and drop accents, lower case, each one character at a time.

/// What a BERT vocabulary expects of its text, from tokenizer.json or tokenizer_config.json.
struct BertNormalizerOptions: Equatable, Sendable {
  /// Drop control characters and turn every white space into a blank.
  var cleansText = true
  /// Put blanks around ideographs (`tokenize_chinese_chars`).
  var separatesIdeographs = true
  /// Decompose and drop non-spacing marks; nil: as `lowercases`.
  var stripsAccents: Bool?
  /// Lower case (`do_lower_case`).
  var lowercases = true

  /// The same after text is lower-cased: accents stay where they would have stayed.
  var lowercasedFirst: BertNormalizerOptions {
    var options = self
    options.stripsAccents = stripsAccents ?? lowercases
    options.lowercases = true
    return options
  }

  /// Text as it stands.
  static let none = BertNormalizerOptions(
    cleansText: false, separatesIdeographs: false, stripsAccents: false, lowercases: false)
}

/// Cleans text; ASCII by a table of 256 bytes, the rest character by character.
struct BertNormalizer: Sendable {
  let options: BertNormalizerOptions
  private let stripsAccents: Bool
  private let characters = BertCharacters.shared
  /// The flags that make a character more than a copy of its bytes under these options.
  private let relevant: UInt8
  /// Image of each ASCII byte, and whether it stays (1) or is dropped (0).
  private let asciiImage: [UInt8]
  private let asciiStays: [UInt8]

  init(_ options: BertNormalizerOptions) {
    typealias Flag = BertCharacters.Flag
    self.options = options
    stripsAccents = options.stripsAccents ?? options.lowercases
    var relevant: UInt8 = 0
    if options.cleansText { relevant |= Flag.dropped | Flag.whitespace }
    if options.separatesIdeographs { relevant |= Flag.ideograph }
    if stripsAccents { relevant |= Flag.mark | Flag.decomposes | Flag.reorders }
    if options.lowercases { relevant |= Flag.lowers }
    self.relevant = relevant
    var image = [UInt8](0..<128)
    var stays = [UInt8](repeating: 1, count: 128)
    for byte in 0..<128 {
      let flags = BertCharacters.shared.flags[UInt32(byte)] & relevant
      if flags & Flag.dropped != 0 {
        stays[byte] = 0
      } else if flags & Flag.whitespace != 0 {
        image[byte] = 0x20
      } else if flags & Flag.lowers != 0 {
        image[byte] += 0x20
      }
    }
    asciiImage = image
    asciiStays = stays
  }

  /// Writes the clean form of `text`, which must be valid UTF-8, over what `output` held.
  func normalize(_ text: UnsafeBufferPointer<UInt8>, into output: inout AppendingBuffer<UInt8>) {
    output.count = 0
    // No character grows by more than three times (U+0390 and its like, decomposed), nor by more than two blanks.
    output.reserve(4 * text.count + 16)
    var marks = PendingMarks()
    var index = 0
    while index < text.count {
      let rest = UnsafeBufferPointer(rebasing: text[index...])
      let ascii = UTF8Text.asciiPrefix(rest)
      if ascii > 0 {
        marks.flush { write($0, &output) }
        copyASCII(UnsafeBufferPointer(rebasing: rest[..<ascii]), into: &output)
        index += ascii
      }
      index += normalizeOthers(UnsafeBufferPointer(rebasing: text[index...]), &marks, &output)
    }
    marks.flush { write($0, &output) }
  }

  private func copyASCII(_ text: UnsafeBufferPointer<UInt8>, into output: inout AppendingBuffer<UInt8>) {
    asciiImage.withUnsafeBufferPointer { image in
      asciiStays.withUnsafeBufferPointer { stays in
        var end = output.pointer + output.count
        for byte in text {
          end.pointee = image[Int(byte)]
          end += Int(stays[Int(byte)])
        }
        output.count = end - output.pointer
      }
    }
  }

  /// Handles the characters up to the next ASCII one.
  /// - Returns: their length in bytes.
  private func normalizeOthers(
    _ text: UnsafeBufferPointer<UInt8>, _ marks: inout PendingMarks, _ output: inout AppendingBuffer<UInt8>
  ) -> Int {
    guard let start = text.baseAddress else { return 0 }
    var index = 0
    while index < text.count, start[index] >= 0x80 {
      let (scalar, length) = UTF8Text.character(start + index)
      let flags = characters.flags[scalar] & relevant
      if flags == 0 {
        marks.flush { write($0, &output) }
        output.append(from: start + index, count: length)
      } else {
        clean(scalar, flags, &marks, &output)
      }
      index += length
    }
    return index
  }

  private func clean(
    _ scalar: UInt32, _ flags: UInt8, _ marks: inout PendingMarks, _ output: inout AppendingBuffer<UInt8>
  ) {
    typealias Flag = BertCharacters.Flag
    if flags & Flag.dropped != 0 { return }
    let separate = flags & Flag.ideograph != 0
    if separate || flags & Flag.whitespace != 0 {
      marks.flush { write($0, &output) }
      output.append(0x20)
    }
    if flags & Flag.whitespace != 0 { return }
    if stripsAccents {
      characters.decompose(scalar) { stripMark($0, &marks, &output) }
    } else {
      write(scalar, &output)
    }
    if separate {
      marks.flush { write($0, &output) }
      output.append(0x20)
    }
  }

  private func stripMark(_ scalar: UInt32, _ marks: inout PendingMarks, _ output: inout AppendingBuffer<UInt8>) {
    let flags = characters.flags[scalar]
    if flags & BertCharacters.Flag.mark != 0 { return }
    if flags & BertCharacters.Flag.reorders != 0 {
      marks.insert(scalar, combiningClass: characters.combiningClass(scalar))
    } else {
      marks.flush { write($0, &output) }
      write(scalar, &output)
    }
  }

  private func write(_ scalar: UInt32, _ output: inout AppendingBuffer<UInt8>) {
    guard options.lowercases, characters.flags[scalar] & BertCharacters.Flag.lowers != 0 else {
      return output.append(scalar: scalar)
    }
    if scalar < 0x80 { return output.append(UInt8(scalar + 0x20)) }
    output.append(scalar: characters.lowercase(scalar))
    if scalar == 0x130 { output.append(scalar: 0x307) }
  }
}

/// Characters waiting to be put into canonical order. Non-spacing marks are dropped before (dropping some elements
/// and sorting stably commute), so only the few combining characters of other kinds ever wait here.
private struct PendingMarks {
  /// Combining class, order of appearance and character: a run of n costs n log n.
  private var waiting: [UInt64] = []

  mutating func insert(_ scalar: UInt32, combiningClass: UInt32) {
    waiting.append(UInt64(combiningClass) << 56 | UInt64(waiting.count) << 24 | UInt64(scalar))
  }

  mutating func flush(_ body: (UInt32) -> Void) {
    if waiting.isEmpty { return }
    if waiting.count > 1 { waiting.sort() }
    for mark in waiting { body(UInt32(mark & 0xFF_FFFF)) }
    waiting.removeAll(keepingCapacity: true)
  }
}
