// Texts of bare functions that are almost right: what the parser is fuzzed with, in tests and in Benchmarks/bare.

/// A seeded generator of texts (splitmix64); the same seed gives the same texts.
public struct GrammarFuzz {
  private var state: UInt64
  private let seeds: [[UInt8]]

  private static let words: [String] = [
    "sampler", "loss", "pooler", "backward", "schedule", "metric", "fn", "library", "in", "out", "inout", "grad",
    "scratch", "weight", "cb", "z1", "z2", "u1", "dz1", "du1", "sim", "logits", "dlogits", "dsim", "target", "row_loss",
    "hidden", "dhidden", "offsets", "n", "m", "d", "t", "s", "step", "total", "seed", "uniform", "f32", "f64", "i32",
    "i64", "u8", "bool", "size", "cstr", "[n,d]", "[n,m]", "[s+1]", "[t,d]", "(", ")", "[", "]", ",", ":", ";", "=",
    "->", "-", "+", "0.5", "1e9", "-1", "9999999999999999999999", "nan", "in [0,1]", "in (,)", "live", "log",
    "\"text\"", "\"", "#", "\n", " ", "detached", "rowwise", "rows(z1)", "cols(out)", "gain(-1)=0", "bias(0)=x",
    "mask(exclude)", "backward(b)", "metric(x)", "void", "status", "\u{e9}", "\0", "x", "k",
  ]

  /// - Parameter corpus: Valid texts that are cut up, spliced and damaged.
  public init(seed: UInt64, corpus: [String]) {
    state = seed
    seeds = corpus.map { Array($0.utf8) }
  }

  public mutating func next() -> [UInt8] {
    switch random() % 8 {
    case 0: return noise()
    case 1, 2: return tokens()
    default: return damaged()
    }
  }

  private mutating func random() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  private mutating func below(_ bound: Int) -> Int { Int(random() % UInt64(max(bound, 1))) }

  private mutating func noise() -> [UInt8] { (0..<below(60)).map { _ in UInt8(truncatingIfNeeded: random()) } }

  private mutating func tokens() -> [UInt8] {
    var bytes: [UInt8] = []
    for _ in 0..<(1 + below(24)) {
      bytes += Self.words[below(Self.words.count)].utf8
      if below(3) == 0 { bytes.append(32) }
    }
    return bytes
  }

  private mutating func damaged() -> [UInt8] {
    var bytes = seeds[below(seeds.count)]
    for _ in 0..<below(5) where !bytes.isEmpty {
      let place = below(bytes.count)
      let length = min(1 + below(12), bytes.count - place)
      switch below(6) {
      case 0: bytes[place] = UInt8(truncatingIfNeeded: random())
      case 1: bytes.removeSubrange(place..<(place + length))
      case 2: bytes.insert(contentsOf: Self.words[below(Self.words.count)].utf8, at: place)
      case 3: bytes.replaceSubrange(place..<(place + length), with: Self.words[below(Self.words.count)].utf8)
      case 4: bytes.insert(contentsOf: bytes[place..<(place + length)], at: below(bytes.count))
      default: bytes.removeSubrange(place...)
      }
    }
    return bytes
  }
}
