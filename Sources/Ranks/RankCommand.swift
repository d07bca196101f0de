// What rank 0 tells the others to do: twelve numbers, and what belongs to them in calls of their own.

import Encoder
import Kernels

/// What the ranks do next, all of them.
enum RankCommand: Equatable {
  /// Take up the model of a folder, whose path has this many bytes; the weights follow. `threads` 0: as many as fit.
  /// `shards`: parts of a batch. `learns`: gradients will be asked for.
  case start(pathBytes: Int, seed: UInt64, threads: Int, shards: Int, precision: ProductPrecision, learns: Bool)
  /// Open an encoder on a device, from a text of so many bytes; the weights follow. `threads` 0: as many as fit.
  case open(bytes: Int, threads: Int)
  /// Compute a batch of this many tokens and sequences.
  case forward(Forward)
  /// Compute the gradients of the last batch; rows of hidden states' gradients follow. `isLast`: none will be added
  /// before they are summed.
  case backward(isLast: Bool)
  /// Add up the gradients of all ranks. `wholeTable`: of every row of the word table.
  case sum(wholeTable: Bool)
  /// Move the weights.
  case step(DeviceStep)
  /// Set the gradients to zero.
  case clear
  /// Send rank 0 what it has no part of.
  case read(DevicePart)
  /// Take over a part of the tensor with this number; its values follow.
  case write(DevicePart, tensor: Int)
  /// Guess hidden words of a batch, forward and backward; tokens, lengths, positions and words follow.
  case learn(Masked)
  /// Take part in what is no work of the encoder.
  case help
  /// The run is over.
  case end

  struct Forward: Equatable {
    var tokens, sequences, firstToken: Int
    var layers: Int
    var firstTokenOnly, meansAreEnough, hasRates: Bool
    var mode: Mode
    var step: UInt64
    var hiddenDropout, attentionDropout: Float
  }

  struct Masked: Equatable {
    var tokens, sequences, firstToken, positions: Int
    var step: UInt64
    var factor: Double
    var hiddenDropout, attentionDropout: Float
  }

  enum Mode: Int64 { case inference, training, reading }

  static let count = 12

  var numbers: [Int64] {
    var numbers: [Int64] =
      switch self {
      case .start(let bytes, let seed, let threads, let shards, let precision, let learns):
        [
          1, Int64(bytes), Int64(bitPattern: seed), Int64(threads), Int64(shards), learns ? 1 : 0,
          precision == .bf16 ? 1 : 0,
        ]
      case .forward(let f):
        [
          2, Int64(f.tokens), Int64(f.sequences), Int64(f.firstToken), Int64(f.layers),
          f.firstTokenOnly ? 1 : f.meansAreEnough ? 2 : 0, f.hasRates ? 1 : 0, f.mode.rawValue,
          Int64(bitPattern: f.step), Int64(f.hiddenDropout.bitPattern),
          Int64(f.attentionDropout.bitPattern),
        ]
      case .backward(let isLast): [3, isLast ? 1 : 0]
      case .sum(let wholeTable): [4, wholeTable ? 1 : 0]
      case .step(let step):
        [5] + [step.learningRate, step.weightDecay, step.gradientScale].map { Int64(bitPattern: $0.bitPattern) }
          + [Int64(step.number)]
      case .clear: [6]
      case .read(let part): [7, part.number]
      case .write(let part, let tensor): [8, part.number, Int64(tensor)]
      case .end: [9]
      case .help: [10]
      case .open(let bytes, let threads): [11, Int64(bytes), Int64(threads)]
      case .learn(let m):
        [
          12, Int64(m.tokens), Int64(m.sequences), Int64(m.firstToken), Int64(m.positions), Int64(bitPattern: m.step),
          Int64(bitPattern: m.factor.bitPattern), Int64(m.hiddenDropout.bitPattern),
          Int64(m.attentionDropout.bitPattern),
        ]
      }
    numbers += Array(repeating: 0, count: Self.count - numbers.count)
    return numbers
  }

  /// Nil for what no rank 0 of this version says.
  init?(_ n: [Int64]) {
    func real(_ place: Int) -> Double { Double(bitPattern: UInt64(bitPattern: n[place])) }
    func rate(_ place: Int) -> Float { Float(bitPattern: UInt32(truncatingIfNeeded: n[place])) }
    switch n[0] {
    case 1:
      self = .start(
        pathBytes: Int(n[1]), seed: UInt64(bitPattern: n[2]), threads: Int(n[3]), shards: Int(n[4]),
        precision: n[6] == 1 ? .bf16 : .float32, learns: n[5] == 1)
    case 2:
      guard let mode = Mode(rawValue: n[7]) else { return nil }
      self = .forward(
        Forward(
          tokens: Int(n[1]), sequences: Int(n[2]), firstToken: Int(n[3]), layers: Int(n[4]),
          firstTokenOnly: n[5] == 1, meansAreEnough: n[5] == 2, hasRates: n[6] == 1, mode: mode,
          step: UInt64(bitPattern: n[8]), hiddenDropout: rate(9), attentionDropout: rate(10)))
    case 3: self = .backward(isLast: n[1] == 1)
    case 4: self = .sum(wholeTable: n[1] == 1)
    case 5:
      self = .step(
        DeviceStep(learningRate: real(1), weightDecay: real(2), gradientScale: real(3), number: Int(n[4])))
    case 6: self = .clear
    case 7:
      guard let part = DevicePart(number: n[1]) else { return nil }
      self = .read(part)
    case 8:
      guard let part = DevicePart(number: n[1]) else { return nil }
      self = .write(part, tensor: Int(n[2]))
    case 9: self = .end
    case 10: self = .help
    case 11: self = .open(bytes: Int(n[1]), threads: Int(n[2]))
    case 12:
      self = .learn(
        Masked(
          tokens: Int(n[1]), sequences: Int(n[2]), firstToken: Int(n[3]), positions: Int(n[4]),
          step: UInt64(bitPattern: n[5]), factor: real(6), hiddenDropout: rate(7), attentionDropout: rate(8)))
    default: return nil
    }
  }
}

extension DevicePart {
  fileprivate var number: Int64 {
    switch self {
    case .value: 0
    case .gradient: 1
    case .firstMoment: 2
    case .secondMoment: 3
    }
  }

  fileprivate init?(number: Int64) {
    guard let part = Self.allCases.first(where: { $0.number == number }) else { return nil }
    self = part
  }
}
