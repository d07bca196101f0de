// The map of characters that SentencePiece compiles into a model (nmt_nfkc and its like). Called by TextNormalizer.
// Follows `Precompiled` of Hugging Face's tokenizers with its quirk: a grapheme cluster of less than six bytes is
// looked up as a whole, and the shortest prefix of it in the map replaces all of it.

/// Replaces characters by a double array trie over UTF-8 and a run of images with a NUL behind each.
/// Source: github.com/google/sentencepiece, normalizer.cc; units as in Darts-clone.
final class PrecompiledCharsmap: Sendable {
  private let units: [UInt32]
  private let images: [UInt8]
  private let graphemes = GraphemeBreaks.shared
  /// Bytes of ASCII that stay as they are where the next byte is ASCII, too.
  private let stays: [Bool]

  /// Reads a map: the size of the trie in bytes (32 bits, the lowest byte first), the trie, the images.
  /// - Throws: `Fault` with what was expected and found.
  init(_ bytes: [UInt8]) throws(Fault) {
    guard bytes.count >= 4 else {
      throw Fault(expected: "a size of 4 bytes", found: "\(bytes.count) bytes")
    }
    func word(_ place: Int) -> UInt32 {
      (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) }
    }
    let size = Int(word(0))
    guard size >= 4, size % 4 == 0, size <= bytes.count - 4 else {
      throw Fault(
        expected: "a trie of whole 4-byte units within \(bytes.count - 4) bytes", found: "a size of \(size) bytes")
    }
    let units = stride(from: 4, to: 4 + size, by: 4).map(word)
    let images = Array(bytes[(4 + size)...])
    let valid = images.withUnsafeBufferPointer { UTF8Text.validPrefix($0) }
    guard valid == images.count else {
      throw Fault(expected: "images in UTF-8", found: "other bytes at \(4 + size + valid)")
    }
    // Units with the highest bit set are values: where an image begins.
    for unit in units where unit >> 31 == 1 {
      let image = Int(unit & 0x7FFF_FFFF)
      guard image < images.count, images[image] & 0xC0 != 0x80 else {
        throw Fault(expected: "places within \(images.count) bytes of images", found: "the place \(image)")
      }
    }
    self.units = units
    self.images = images
    stays = (UInt8(0)..<128).map { byte in
      byte != 0x0D && withUnsafePointer(to: byte) { Self.image($0, 1, units) } == nil
    }
  }

  /// What is wrong with a map.
  struct Fault: Error, Equatable {
    var expected: String
    var found: String
  }

  /// Appends the image of `text`, valid UTF-8.
  func append(_ text: UnsafeBufferPointer<UInt8>, to output: inout AppendingBuffer<UInt8>) {
    guard let start = text.baseAddress else { return }
    output.reserve(text.count + 16)
    var index = 0
    while index < text.count {
      let run = plainPrefix(UnsafeBufferPointer(start: start + index, count: text.count - index))
      if run > 0 {
        output.append(from: start + index, count: run)
        index += run
        if index == text.count { return }
      }
      let end = graphemes.end(of: text, from: index)
      if end - index >= 6 || !appendImage(start + index, end - index, to: &output) {
        appendCharacters(UnsafeBufferPointer(start: start + index, count: end - index), to: &output)
      }
      index = end
    }
  }

  /// How many bytes at the start are ASCII that stays, each a cluster of its own.
  private func plainPrefix(_ text: UnsafeBufferPointer<UInt8>) -> Int {
    stays.withUnsafeBufferPointer { stays in
      var index = 0
      while index < text.count, text[index] < 0x80, stays[Int(text[index])] { index += 1 }
      // What follows may belong to the last one.
      return index < text.count && text[index] >= 0x80 && index > 0 ? index - 1 : index
    }
  }

  private func appendCharacters(_ cluster: UnsafeBufferPointer<UInt8>, to output: inout AppendingBuffer<UInt8>) {
    guard let start = cluster.baseAddress else { return }
    var index = 0
    while index < cluster.count {
      let length = UTF8Text.length(start[index])
      if !appendImage(start + index, length, to: &output) { output.append(from: start + index, count: length) }
      index += length
    }
  }

  private func appendImage(
    _ text: UnsafePointer<UInt8>, _ count: Int, to output: inout AppendingBuffer<UInt8>
  ) -> Bool {
    guard let image = Self.image(text, count, units) else { return false }
    images.withUnsafeBufferPointer { images in
      var end = image
      while end < images.count, images[end] != 0 { end += 1 }
      if let base = images.baseAddress { output.append(from: base + image, count: end - image) }
    }
    return true
  }

  /// Where the image of the shortest prefix of `text` begins that has one. Broken tries lead nowhere.
  private static func image(_ text: UnsafePointer<UInt8>, _ count: Int, _ units: [UInt32]) -> Int? {
    units.withUnsafeBufferPointer { units in
      func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << Int((unit & 0x200) >> 6) }
      var place = offset(units[0])
      for index in 0..<count {
        let byte = text[index]
        if byte == 0 { return nil }
        place ^= Int(byte)
        guard place < units.count else { return nil }
        let unit = units[place]
        guard unit & 0x8000_00FF == UInt32(byte) else { return nil }
        place ^= offset(unit)
        if unit & 0x100 == 0 { continue }
        // All values have been looked at when the map was read.
        guard place < units.count, units[place] >> 31 == 1 else { return nil }
        return Int(units[place] & 0x7FFF_FFFF)
      }
      return nil
    }
  }
}
