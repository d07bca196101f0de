// Reads the .model files of SentencePiece, for folders that have no tokenizer.json. Called by TokenizerFolder.
// Which tokens they become follows the converters of transformers 5.

/// A SentencePiece model: pieces with scores, how it was trained, its map of characters.
/// Source: github.com/google/sentencepiece, sentencepiece_model.proto.
struct SentencePieceFile {
  /// A token.
  struct Piece: Equatable {
    var text: [UInt8] = []
    var score: Float = 0
    var kind = Kind.normal
  }

  /// What a piece is for.
  enum Kind: UInt64 {
    case normal = 1
    case unknown
    case control
    case userDefined
    case unused
    case byte
  }

  let path: String
  private(set) var pieces: [Piece] = []
  private(set) var unknownID = 0
  private var algorithm: UInt64 = 1
  private var charsmapBytes: [UInt8] = []

  /// - Throws: `TokenizerError` where the file is no such model, or not a Unigram one.
  init(_ path: String) throws {
    self.path = path
    let bytes = try TokenizerFile.read(path)
    try read(bytes[...], at: "the model") { field, value, file in
      switch (field, value) {
      case (1, .bytes(let piece)): file.pieces.append(try file.piece(piece))
      case (2, .bytes(let trainer)):
        try file.read(trainer, at: "trainer_spec") { field, value, file in
          if case .integer(let number) = value {
            if field == 3 { file.algorithm = number }
            // Negative numbers fill all 64 bits.
            if field == 40 { file.unknownID = Int(truncatingIfNeeded: number) }
          }
        }
      case (3, .bytes(let normalizer)):
        try file.read(normalizer, at: "normalizer_spec") { field, value, file in
          if field == 2, case .bytes(let charsmap) = value { file.charsmapBytes = Array(charsmap) }
        }
      default: break
      }
    }
    guard algorithm == 1 else {
      let names: [UInt64: String] = [2: "BPE", 3: "words", 4: "characters"]
      throw TokenizerError.unsupported(
        file: path, at: "trainer_spec.model_type", found: names[algorithm] ?? "\(algorithm)", supported: "Unigram")
    }
    guard !pieces.isEmpty else { throw TokenizerError.emptyVocabulary(file: path) }
  }

  /// The map of characters, nil where the model has none.
  func charsmap() throws -> PrecompiledCharsmap? {
    if charsmapBytes.isEmpty { return nil }
    return try NormalizerReader.charsmap(charsmapBytes, file: path, at: "normalizer_spec.precompiled_charsmap")
  }

  /// Tokens that are matched in a text as a whole.
  var addedTokens: [NamedToken] {
    pieces.filter { $0.kind == .control || $0.kind == .userDefined }.map { piece in
      var token = NamedToken(bytes: piece.text)
      token.isSpecial = piece.kind == .control
      return token
    }
  }

  /// The tokens in the order of the class's own vocabulary.
  func vocabulary(_ family: TokenizerFamily, _ settings: TokenizerSettings) throws -> UnigramVocabulary {
    func special(_ key: String, _ role: SpecialRole) throws -> Piece {
      Piece(text: try settings.specialName(of: role, family, key: key))
    }
    let padding = try special("pad_token", .padding)
    let unknown = try special("unk_token", .unknown)
    let mask = try special("mask_token", .mask)
    var all: [Piece]
    switch family {
    case .xlmRoberta:
      all = [try special("bos_token", .start), padding, try special("eos_token", .end), unknown]
      all += pieces.dropFirst(3) + [mask]
    case .camembert:
      func unused(_ text: String, _ score: Float) -> Piece { Piece(text: Array(text.utf8), score: score) }
      all = [unused("<s>NOTUSED", 0), padding, unused("</s>NOTUSED", 0), unknown, unused("<unk>NOTUSED", -100)]
      all += pieces.dropFirst() + [mask]
    default: all = pieces
    }
    return try UnigramVocabulary(
      entries: all.enumerated().map { (bytes: $1.text, id: Int32(truncatingIfNeeded: $0)) },
      scores: all.map { Double($0.score) }, file: path)
  }

  private func piece(_ bytes: ArraySlice<UInt8>) throws -> Piece {
    var piece = Piece()
    let place = "piece \(pieces.count)"
    var reader = ProtobufReader(bytes)
    do throws(ProtobufReader.Fault) {
      while let (field, value) = try reader.next() {
        switch (field, value) {
        case (1, .bytes(let text)): piece.text = Array(text)
        case (2, .fixed32(let bits)): piece.score = Float(bitPattern: bits)
        case (3, .integer(let kind)): piece.kind = Kind(rawValue: kind) ?? .normal
        default: break
        }
      }
    } catch {
      throw invalid(place, error)
    }
    let valid = piece.text.withUnsafeBufferPointer { UTF8Text.validPrefix($0) == $0.count }
    guard valid, piece.score.isFinite else {
      throw TokenizerError.invalid(
        file: path, at: place, expected: "UTF-8 with a finite score", found: "\(quoted(piece.text)), \(piece.score)")
    }
    return piece
  }

  private mutating func read(
    _ bytes: ArraySlice<UInt8>, at place: String,
    _ body: (Int, ProtobufReader.Value, inout SentencePieceFile) throws -> Void
  ) throws {
    var reader = ProtobufReader(bytes)
    while true {
      let found: (field: Int, value: ProtobufReader.Value)?
      do throws(ProtobufReader.Fault) { found = try reader.next() } catch { throw invalid(place, error) }
      guard let (field, value) = found else { return }
      try body(field, value, &self)
    }
  }

  private func invalid(_ place: String, _ fault: ProtobufReader.Fault) -> TokenizerError {
    .invalid(
      file: path, at: "\(place), byte \(fault.offset)", expected: "a SentencePiece model with \(fault.expected)",
      found: "other bytes, or the end")
  }
}

/// Reads the fields of a Protocol Buffers message.
/// Source: protobuf.dev/programming-guides/encoding.
struct ProtobufReader {
  /// What a field holds.
  enum Value {
    case integer(UInt64)
    case fixed64(UInt64)
    case bytes(ArraySlice<UInt8>)
    case fixed32(UInt32)
  }

  /// Where a message is broken.
  struct Fault: Error {
    var offset: Int
    var expected: String
  }

  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  /// The next field, nil at the end.
  mutating func next() throws(Fault) -> (field: Int, value: Value)? {
    if rest.isEmpty { return nil }
    let key = try integer()
    let field = Int(truncatingIfNeeded: key >> 3 & 0x1FFF_FFFF)
    switch key & 7 {
    case 0: return (field, .integer(try integer()))
    case 1: return (field, .fixed64(try fixed(8)))
    case 2:
      let count = try integer()
      guard count <= UInt64(rest.count) else { throw fault("\(count) bytes more") }
      defer { rest = rest.dropFirst(Int(count)) }
      return (field, .bytes(rest.prefix(Int(count))))
    case 5: return (field, .fixed32(UInt32(truncatingIfNeeded: try fixed(4))))
    default: throw fault("a field of a known kind")
    }
  }

  private mutating func integer() throws(Fault) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard let byte = rest.popFirst() else { throw fault("a number") }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw fault("a number of at most ten bytes")
  }

  private mutating func fixed(_ count: Int) throws(Fault) -> UInt64 {
    guard rest.count >= count else { throw fault("\(count) bytes more") }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private func fault(_ expected: String) -> Fault { Fault(offset: rest.startIndex, expected: expected) }
}
