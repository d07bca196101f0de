// What attention adds to the score of two tokens for the distance between them: one number for each head and bucket of
// distances, the same in all layers. Laid out for the kernels before the first layer; its gradient is gathered from all
// layers behind the last. Letters: A heads, L tokens of the longest sequence.
// Source: Raffel et al., "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", 2020,
// section 2.1; buckets as in MPNetEncoder.relative_position_bucket of transformers.

import CKernels
import Kernels

/// The table of an encoder with the layouts of its last pass.
final class DistanceBias {
  /// What a kernel adds: `values[j * step + i]` for key j and query i, or for the head i of a token that asks alone;
  /// the gradient goes to the same places of `gradient`.
  struct View {
    var values: UnsafePointer<Float>?
    var gradient: UnsafeMutablePointer<Float>?
    var step = 0
  }

  private let table: Parameter
  private let heads: Int
  /// `heads` filled up to whole vectors.
  private let paddedHeads: Int
  private var longest = 0
  /// By head, the number of the query less that of the key from -(L - 1) to L - 1, and room for a vector.
  private let byDistance = ScratchBuffer()
  /// By key, what each head of the first token adds.
  private let byKey = ScratchBuffer()
  /// The gradient of `byDistance` from all layers.
  private let gradient = ScratchBuffer()
  /// That of one layer by sequence and head, or by sequence where first tokens ask.
  private let parts = ScratchBuffer()

  /// - Parameter table: `[buckets, heads]`.
  init(_ table: Parameter, heads: Int) {
    (self.table, self.heads) = (table, heads)
    paddedHeads = (heads + Self.lanes - 1) / Self.lanes * Self.lanes
  }

  /// Numbers that a kernel reads and writes at a time.
  private static let lanes = 16
  private var span: Int { 2 * longest - 1 + Self.lanes }
  /// The place of distance 0.
  private var center: Int { longest - 1 }
  private var keySpan: Int { longest * paddedHeads }

  /// The bucket of a key that stands `distance` tokens behind its query: half of the 32 for each direction; 8 for
  /// single distances, 8 for ranges that grow by the square root of 2, the last without an end.
  static func bucket(_ distance: Int) -> Int {
    let (side, size) = (distance > 0 ? 16 : 0, abs(distance))
    guard size >= 8 else { return side + size }
    var range = 0
    while range < 7, size * size >= 128 << range { range += 1 }
    return side + 8 + range
  }

  /// How many buckets there are.
  static let buckets = 32

  /// Lays the table out for sequences of up to `longest` tokens.
  func prepare(longest: Int, forFirstTokens: Bool) {
    self.longest = longest
    let values = byDistance.reserve(heads * span)
    values.update(repeating: 0, count: heads * span)
    for distance in -center...center {
      let row = table.value + Self.bucket(-distance) * heads
      for head in 0..<heads { values[head * span + center + distance] = row[head] }
    }
    guard forFirstTokens else { return }
    let columns = byKey.reserve(keySpan)
    columns.update(repeating: 0, count: keySpan)
    for key in 0..<longest {
      (columns + key * paddedHeads).update(from: table.value + Self.bucket(key) * heads, count: heads)
    }
  }

  /// For all tokens of a sequence, one head.
  func view(head: Int) -> View {
    View(values: byDistance.pointer + head * span + center, gradient: nil, step: -1)
  }

  /// For the heads of a first token.
  var firstTokenView: View { View(values: byKey.pointer, gradient: nil, step: paddedHeads) }

  // MARK: Backward

  /// Begins a backward pass.
  func startGradient() {
    gradient.reserve(heads * span).update(repeating: 0, count: heads * span)
  }

  /// Room for the parts of one layer, by (sequence, head) pair or by sequence.
  func reserveParts(_ count: Int, forFirstTokens: Bool) { parts.reserve(count * (forFirstTokens ? keySpan : span)) }

  /// As `view`, with an empty place for the pair's gradient.
  func learningView(pair: Int) -> View {
    var view = view(head: pair % heads)
    let part = parts.pointer + pair * span
    part.update(repeating: 0, count: span)
    view.gradient = part + center
    return view
  }

  /// As `firstTokenView`, with an empty place for the sequence's gradient.
  func learningFirstTokenView(sequence: Int) -> View {
    var view = firstTokenView
    let part = parts.pointer + sequence * keySpan
    part.update(repeating: 0, count: keySpan)
    view.gradient = part
    return view
  }

  /// Adds a layer's parts, the sequences of each head in order: the same sums for every number of threads.
  func add(sequences: Int, forFirstTokens: Bool, _ pool: ThreadPool) {
    pool.parallelFor(heads, grain: 1) { range, _ in
      for head in range {
        let sum = gradient.pointer + head * span
        for sequence in 0..<sequences {
          if forFirstTokens {
            let part = parts.pointer + sequence * keySpan + head
            for key in 0..<longest { sum[center - key] += part[key * paddedHeads] }
          } else {
            ck_add(Int64(2 * longest - 1), parts.pointer + (sequence * heads + head) * span, sum)
          }
        }
      }
    }
  }

  /// Adds what was gathered to the table's gradient.
  func finishGradient() {
    for distance in -center...center {
      let row = table.gradient + Self.bucket(-distance) * heads
      for head in 0..<heads { row[head] += gradient.pointer[head * span + center + distance] }
    }
  }
}
