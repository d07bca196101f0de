// Cuts a piece of text into the tokens whose scores have the largest sum. Called by UnigramStages for every piece.
// Follows Hugging Face's tokenizers bit by bit: scores are summed as float64 from the left, and of two ways that score
// the same the one whose last token is longer wins.

/// A Unigram vocabulary: tokens with the logarithms of their probabilities.
/// Source: Kudo, Subword Regularization, 2018; the search is Viterbi's.
struct UnigramModel: Sendable {
  private let trie: ByteTrie
  /// By id.
  private let scores: [Double]
  private let unknownID: Int32
  /// What a character without a token costs: ten less than the least likely token.
  private let unknownScore: Double
  /// The tokens of single bytes, `<0x00>` and so on, negative where the vocabulary has none; nil: unknown characters
  /// are never spelled in bytes.
  private let byteIDs: [Int32]?

  /// - Parameters:
  ///   - vocabulary: the model's tokens.
  ///   - scores: of each id, finite.
  ///   - unknownID: the token of what has none; below the number of scores.
  ///   - spellsBytes: whether unknown text becomes the tokens of its bytes, where all of them are there.
  init(vocabulary: Vocabulary, scores: [Double], unknownID: Int32, spellsBytes: Bool) {
    trie = ByteTrie(vocabulary.modelTokens.filter { !$0.bytes.isEmpty })
    self.scores = scores
    self.unknownID = unknownID
    unknownScore = (scores.min() ?? 0) - 10
    byteIDs = spellsBytes ? (UInt8.min...UInt8.max).map { vocabulary.id(of: Self.spelling($0)) ?? -1 } : nil
  }

  /// The token of a byte, `<0x0A>`.
  static func spelling(_ byte: UInt8) -> [UInt8] {
    let digits = Array("0123456789ABCDEF".utf8)
    return Array("<0x".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]] + Array(">".utf8)
  }

  /// The byte that a token spells, where the model spells unknown text in bytes.
  func byte(of token: [UInt8]) -> UInt8? {
    guard byteIDs != nil, token.count == 6 else { return nil }
    return (UInt8.min...UInt8.max).first { Self.spelling($0) == token }
  }

  /// Appends the tokens of `piece`, valid UTF-8. Linear in its length, for tokens have a longest one.
  func append(
    _ piece: UnsafeBufferPointer<UInt8>, _ lattice: inout UnigramLattice, to ids: inout AppendingBuffer<Int32>
  ) {
    guard let text = piece.baseAddress, !piece.isEmpty else { return }
    search(text, piece.count, &lattice)
    lattice.keepBestPath(piece.count, fusing: unknownID)
    let path = lattice.path.view
    var start = 0
    // The path was walked from its end.
    for index in stride(from: path.count - 1, through: 0, by: -1) {
      let step = path[index]
      let end = Int(step.end)
      if step.id == unknownID {
        appendUnknown(UnsafeBufferPointer(start: text + start, count: end - start), to: &ids)
      } else {
        ids.append(step.id)
      }
      start = end
    }
  }

  /// Finds the best way to every place of the text.
  private func search(_ text: UnsafePointer<UInt8>, _ count: Int, _ lattice: inout UnigramLattice) {
    let nodes = lattice.start(count)
    scores.withUnsafeBufferPointer { scores in
      var start = 0
      while start < count {
        let before = nodes[start].score
        let length = UTF8Text.length(text[start])
        var isCovered = false
        var node = ByteTrie.root
        var end = start
        while end < count {
          node = trie.step(from: node, text[end])
          if node < 0 { break }
          end += 1
          let id = trie.id(at: node)
          if id < 0 { continue }
          (nodes + end).pointee.offer(before + scores[Int(id)], from: start, id)
          if end - start == length { isCovered = true }
        }
        if !isCovered { (nodes + start + length).pointee.offer(before + unknownScore, from: start, unknownID) }
        start += length
      }
    }
  }

  /// Unknown characters side by side are one token, unless their text is one, or is spelled in bytes.
  private func appendUnknown(_ text: UnsafeBufferPointer<UInt8>, to ids: inout AppendingBuffer<Int32>) {
    let id = trie.id(of: text)
    if id >= 0 { return ids.append(id) }
    guard let byteIDs, text.allSatisfy({ byteIDs[Int($0)] >= 0 }) else { return ids.append(unknownID) }
    for byte in text { ids.append(byteIDs[Int(byte)]) }
  }
}

/// One thread's memory for searching.
struct UnigramLattice: ~Copyable {
  /// The best way to a place: its score, where its last token begins, and that token.
  struct Node: BitwiseCopyable {
    var score = 0.0
    var start: Int32 = -1
    var id: Int32 = -1

    /// Takes another way if it is the first or a better one.
    @inline(__always)
    mutating func offer(_ score: Double, from start: Int, _ id: Int32) {
      guard self.start < 0 || score > self.score else { return }
      self = Node(score: score, start: Int32(truncatingIfNeeded: start), id: id)
    }
  }

  /// A token of the best path and where it ends.
  struct Step: BitwiseCopyable {
    var end: Int32
    var id: Int32
  }

  private var nodes = AppendingBuffer<Node>()
  /// The best path, the last token first.
  private(set) var path = AppendingBuffer<Step>()

  /// A node for each place of a text of `count` bytes, the end among them, to which no way leads yet.
  mutating func start(_ count: Int) -> UnsafeMutablePointer<Node> {
    nodes.count = 0
    nodes.reserve(count + 1)
    nodes.pointer.initialize(repeating: Node(), count: count + 1)
    nodes.count = count + 1
    return nodes.pointer
  }

  /// Walks back from the end of the text; unknown tokens side by side become one step.
  mutating func keepBestPath(_ count: Int, fusing unknownID: Int32) {
    path.count = 0
    var end = count
    while end > 0 {
      let node = nodes[end]
      if node.id != unknownID || path.count == 0 || path[path.count - 1].id != unknownID {
        path.append(Step(end: Int32(truncatingIfNeeded: end), id: node.id))
      }
      end = Int(node.start)
    }
  }
}
