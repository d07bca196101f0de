// Where text has borders between grapheme clusters: what people see as one character. Called by PrecompiledCharsmap.
// Swift's own `Character` follows another version of Unicode than Hugging Face's package does, and is slower.

/// Extended grapheme clusters.
/// Source: Unicode Standard Annex 29, rules GB3 to GB13.
final class GraphemeBreaks: Sendable {
  /// The class of a character is in the lower four bits, others are flags.
  enum Class {
    static let other: UInt8 = 0
    static let carriageReturn: UInt8 = 1
    static let lineFeed: UInt8 = 2
    static let control: UInt8 = 3
    static let extending: UInt8 = 4
    static let joiner: UInt8 = 5
    static let spacing: UInt8 = 6
    static let prepended: UInt8 = 7
    static let regional: UInt8 = 8
    static let leading: UInt8 = 9
    static let vowel: UInt8 = 10
    static let trailing: UInt8 = 11
    /// Hangul syllables without and with a trailing consonant.
    static let open: UInt8 = 12
    static let closed: UInt8 = 13
  }

  enum Flag {
    static let pictographic: UInt8 = 0x10
    static let conjunctConsonant: UInt8 = 0x20
    static let conjunctLinker: UInt8 = 0x40
    static let conjunctExtending: UInt8 = 0x80
  }

  /// The table, built at first use.
  static let shared = GraphemeBreaks()

  let flags = CharacterFlags()

  private init() {
    flags.insert(Class.control, from: GraphemeData.controls)
    flags.insert(Class.extending, from: GraphemeData.extending)
    flags.insert(Class.joiner, from: GraphemeData.joiner)
    flags.insert(Class.regional, from: GraphemeData.regional)
    flags.insert(Class.prepended, from: GraphemeData.prepended)
    flags.insert(Class.spacing, from: GraphemeData.spacing)
    flags.insert(Class.leading, from: GraphemeData.leading)
    flags.insert(Class.vowel, from: GraphemeData.vowels)
    flags.insert(Class.trailing, from: GraphemeData.trailing)
    flags.insert(Class.closed, in: Hangul.syllables)
    for open in stride(from: Hangul.syllables.lowerBound, through: Hangul.syllables.upperBound, by: 28) {
      flags.bytes[Int(open)] = Class.open
    }
    flags.bytes[0x0D] = Class.carriageReturn
    flags.bytes[0x0A] = Class.lineFeed
    flags.insert(Flag.pictographic, from: GraphemeData.pictographic)
    flags.insert(Flag.conjunctConsonant, from: GraphemeData.conjunctConsonants)
    flags.insert(Flag.conjunctLinker, from: GraphemeData.conjunctLinkers)
    flags.insert(Flag.conjunctExtending, from: GraphemeData.conjunctExtending)
  }

  /// The end of the cluster that begins at `start` of valid UTF-8; `start` is before the end of the text.
  func end(of text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    guard let base = text.baseAddress else { return start }
    let flags = flags.bytes
    var (scalar, length) = UTF8Text.character(base + start)
    var state = State(flags[Int(scalar)])
    var index = start + length
    while index < text.count {
      (scalar, length) = UTF8Text.character(base + index)
      if !state.joins(flags[Int(scalar)]) { break }
      index += length
    }
    return index
  }

  /// What the characters of a cluster so far say about the next one.
  private struct State {
    private var last: UInt8
    /// How many regional indicators stand at the end.
    private var isSecondRegional = false
    /// An emoji, perhaps with what extends it.
    private var emoji: Bool
    /// Such an emoji and a joiner.
    private var isJoined = false
    /// An Indic consonant with what may stand behind it, and whether a linker is among that.
    private var consonant: Bool
    private var isLinked = false

    init(_ first: UInt8) {
      last = first & 15
      emoji = first & Flag.pictographic != 0
      consonant = first & Flag.conjunctConsonant != 0
    }

    /// Whether a character of that class goes on with the cluster; it is then its last one.
    mutating func joins(_ next: UInt8) -> Bool {
      let found = next & 15
      guard isJoin(found, next) else { return false }
      isSecondRegional = last == Class.regional && found == Class.regional
      isJoined = emoji && found == Class.joiner
      emoji = next & Flag.pictographic != 0 || emoji && found == Class.extending
      if next & Flag.conjunctConsonant != 0 {
        consonant = true
        isLinked = false
      } else if next & Flag.conjunctLinker != 0 {
        isLinked = consonant
      } else if next & Flag.conjunctExtending == 0 {
        consonant = false
        isLinked = false
      }
      last = found
      return true
    }

    private func isJoin(_ found: UInt8, _ next: UInt8) -> Bool {
      switch (last, found) {
      case (Class.carriageReturn, Class.lineFeed): return true
      case (Class.carriageReturn...Class.control, _), (_, Class.carriageReturn...Class.control): return false
      case (Class.leading, Class.leading), (Class.leading, Class.vowel), (Class.leading, Class.open),
        (Class.leading, Class.closed), (Class.open, Class.vowel), (Class.open, Class.trailing),
        (Class.vowel, Class.vowel), (Class.vowel, Class.trailing), (Class.closed, Class.trailing),
        (Class.trailing, Class.trailing):
        return true
      case (_, Class.extending...Class.spacing), (Class.prepended, _): return true
      case (Class.regional, Class.regional): return !isSecondRegional
      default:
        if isLinked, next & Flag.conjunctConsonant != 0 { return true }
        return isJoined && next & Flag.pictographic != 0
      }
    }
  }
}
