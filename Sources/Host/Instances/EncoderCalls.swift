// An opened encoder that computes elsewhere, whoever it is: the calls of cse_encoder.h as the rest of the program makes
// them. Implemented by EncoderPlugin (a library's table) and by PluginPython's PythonEncoder (a process); driven by
// Objective.PluginEncoder.

package import Kernels
package import PluginAPI

/// An encoder that computes elsewhere failed, or cannot do what it is asked for.
package struct EncoderFailure: Error, CustomStringConvertible, Sendable {
  /// `library.id.name` of the component, or `transformers`.
  package let component: String
  /// The function of the header that was called.
  package let function: String
  /// What the other side says: what was expected, what was found, what to do.
  package let message: String

  /// A failure of `component` in the function `function`.
  package init(component: String, function: String, message: String) {
    (self.component, self.function, self.message) = (component, function, message)
  }

  /// Who, where, what.
  package var description: String { "encoder \(component), \(function): \(message)" }
  /// 69: a plugin cannot be had or failed.
  package var exitCode: Int32 { 69 }
}

/// Which rows of a hidden state are handed out.
package enum EncoderRows: Sendable {
  /// One for each token.
  case all
  /// One for each sequence: its first token, or the mean over its tokens.
  case firstTokens, means

  fileprivate var number: UInt32 {
    switch self {
    case .all: UInt32(CSE_ROWS_ALL)
    case .firstTokens: UInt32(CSE_ROWS_FIRST)
    case .means: UInt32(CSE_ROWS_MEAN)
    }
  }
}

/// What a pass reads: token ids, where sequences begin, which hidden states are wanted.
package struct EncoderPass {
  /// [T] ids that the encoder's vocabulary has.
  package var tokens: [Int32]
  /// [S + 1], from 0 to T.
  package var offsets: [Int]
  /// Of a part of a batch the number of its first token in the whole: dropout is keyed by places in the whole.
  package var firstToken = 0
  /// 0 for the embeddings, k for layer k.
  package var layers: [Int]
  /// What is handed out of them.
  package var rows: EncoderRows
  /// Probabilities; 0 is off.
  package var hiddenDropout, attentionDropout: Float
  /// What dropout is keyed by.
  package var batch: UInt64
  /// A backward follows.
  package var isKept: Bool

  /// A pass by its parts.
  package init(
    tokens: [Int32], offsets: [Int], layers: [Int], rows: EncoderRows, hiddenDropout: Float, attentionDropout: Float,
    batch: UInt64, isKept: Bool
  ) {
    (self.tokens, self.offsets, self.layers, self.rows) = (tokens, offsets, layers, rows)
    (self.hiddenDropout, self.attentionDropout) = (hiddenDropout, attentionDropout)
    (self.batch, self.isKept) = (batch, isKept)
  }

  /// Rows of each hidden state: T or S.
  package var rowCount: Int { rows == .all ? tokens.count : offsets.count - 1 }
  /// [S] the numbers of the sequences' first tokens in the whole batch; empty where the pass is the whole.
  package var firstRows: [Int64] { firstToken == 0 ? [] : offsets.dropLast().map { Int64($0 + firstToken) } }

  /// The header's struct but for its pointers.
  package var raw: cse_pass {
    var raw = cse_pass()
    raw.struct_size = UInt32(MemoryLayout<cse_pass>.size)
    raw.flags = isKept ? UInt32(CSE_KEEP) : 0
    raw.n_seqs = Int64(offsets.count - 1)
    raw.n_tokens = Int64(tokens.count)
    raw.n_layers = UInt32(layers.count)
    raw.rows = rows.number
    (raw.hidden_dropout, raw.attention_dropout) = (Double(hiddenDropout), Double(attentionDropout))
    raw.batch = batch
    return raw
  }
}

/// What is guessed in a pass, and how much that counts.
package struct EncoderMasking {
  /// [M] tokens of the pass, ascending, at least one; [M] which words they are.
  package var positions: [Int64], labels: [Int32]
  /// Of the gradients.
  package var factor: Double

  /// A masking by its parts.
  package init(positions: [Int64], labels: [Int32], factor: Double) {
    (self.positions, self.labels, self.factor) = (positions, labels, factor)
  }

  /// The header's struct but for its pointers.
  package var raw: cse_masked {
    var raw = cse_masked()
    raw.struct_size = UInt32(MemoryLayout<cse_masked>.size)
    (raw.n_positions, raw.factor) = (Int64(positions.count), factor)
    return raw
  }
}

/// A tensor as an encoder declares it.
package struct EncoderTensor: Equatable, Sendable {
  /// Hugging Face's name without a prefix.
  package let name: String
  /// Extents, outermost first.
  package let shape: [Int]
  /// Weight decay applies to it.
  package let decays: Bool

  /// A tensor by its facts.
  package init(name: String, shape: [Int], decays: Bool) {
    (self.name, self.shape, self.decays) = (name, shape, decays)
  }
}

/// What an encoder says of itself once it is open.
package struct EncoderFacts: Sendable {
  /// Its tensors, in its order.
  package var tensors: [EncoderTensor]
  /// What it computes on, and with: "NVIDIA H100 80GB HBM3", "torch 2.11.0".
  package var deviceName, libraryName: String
  /// The same in every process that sees the device; empty: not known.
  package var deviceID: String
  /// Dropout masks are those of the host's own encoder.
  package var hasExactDropout: Bool

  /// Facts by their parts.
  package init(
    tensors: [EncoderTensor], deviceName: String, libraryName: String, deviceID: String, hasExactDropout: Bool
  ) {
    (self.tensors, self.deviceName, self.libraryName) = (tensors, deviceName, libraryName)
    self.deviceID = deviceID
    self.hasExactDropout = hasExactDropout
  }
}

/// An opened encoder. One call at a time; every call but `peakMemory` throws `EncoderFailure`.
package protocol EncoderCalls: AnyObject {
  /// Who it is, for messages.
  var name: String { get }
  /// What it says of itself.
  var facts: EncoderFacts { get }

  /// Writes the hidden states wanted, [T or S, hidden] each, in full.
  func encode(_ pass: EncoderPass, into targets: [UnsafeMutablePointer<Float>]) throws
  /// Adds what the gradients of the last kept pass's hidden states cause.
  func backward(_ gradients: [UnsafeMutablePointer<Float>]) throws
  /// Guesses words of a pass, adds `factor` times the gradients of the summed loss, and returns that sum. Only where it
  /// was opened with a head for that.
  func learn(_ pass: EncoderPass, _ masking: EncoderMasking) throws -> Double
  /// The sum of squares of all gradients.
  func squaredGradientNorm() throws -> Double
  /// Moves all tensors.
  func step(_ settings: cse_adamw) throws
  /// Sets all gradients to zero, and drops what was kept.
  func clearGradients() throws
  /// Copies a whole tensor here; `what`: `CSE_WEIGHT` ...
  func get(_ what: Int, of tensor: Int, into target: UnsafeMutablePointer<Float>) throws
  /// Copies a whole tensor there.
  func put(_ what: Int, of tensor: Int, from source: UnsafePointer<Float>) throws
  /// Bytes of the device taken at most; 0: not known.
  var peakMemory: UInt64 { get }
  /// Of each tensor whether it has a gradient: a step leaves the others as they are.
  func haveGradients() throws -> [Bool]
  /// Its way to encoders of other processes; nil where it has none.
  var peers: (any DevicePeers)? { get }
}

extension EncoderCalls {
  /// All of them.
  package func haveGradients() throws -> [Bool] { facts.tensors.map { _ in true } }
  /// None.
  package var peers: (any DevicePeers)? { nil }
}

/// Which of the processes on this machine that each open an encoder this one is.
package struct EncoderSeat: Sendable, Equatable {
  /// From 0.
  package var rank: Int
  /// How many there are.
  package var size: Int
  /// The only one.
  package static let alone = EncoderSeat(rank: 0, size: 1)

  /// A seat by its number.
  package init(rank: Int, size: Int) { (self.rank, self.size) = (rank, size) }
}
