// The text of bare functions as it is written: declarations, arguments, types. Made by BareParser, given meaning by
// BareComponent. One declaration describes one C function.

package import PluginGrammar
import PluginLoading

/// What is wrong with the text of bare functions, and where (both count from 1, columns in characters).
package struct BareTextProblem: Error, Equatable, CustomStringConvertible {
  package let line: Int
  package let column: Int
  package let message: String

  package var description: String { "line \(line), column \(column): \(message)" }
}

/// The type of an argument or of its elements, by its name in the text.
package enum BareScalar: String, Sendable, CaseIterable {
  case f32, f64, i32, i64, u32, u64, u8, bool, size, cstr

  /// Bytes of one element.
  package var size: Int {
    switch self {
    case .u8, .bool: 1
    case .f32, .i32, .u32: 4
    case .f64, .i64, .u64, .size, .cstr: 8
    }
  }

  package var isFloat: Bool { self == .f32 || self == .f64 }
  package var isInteger: Bool { !isFloat && self != .bool && self != .cstr }
}

/// One extent of an array: `64`, `n`, `s+1`, or an integer argument's name.
package struct BareDimension: Sendable, Equatable, CustomStringConvertible {
  /// Nil for a plain number, which then stands in `plus`.
  package let name: String?
  package let plus: Int

  package var description: String { name.map { plus == 0 ? $0 : "\($0)+\(plus)" } ?? "\(plus)" }
}

/// One argument: `[dir] name : type[dims] [= default] [in range] [live] [log] ["text"]`.
package struct BareArgument: Sendable, Equatable {
  package enum Direction: String, Sendable, CaseIterable {
    case `in`, out, `inout`, grad, scratch, weight, state, cb
  }

  package var direction: Direction?
  package var name: String
  package var type: BareScalar
  /// Nil for a scalar.
  package var dimensions: [BareDimension]?
  package var defaultText: String?
  package var range: ParameterRange?
  package var live = false
  package var log = false
  package var text = ""
  /// Where it starts in the text, in bytes.
  package var place: Int

  package var isArray: Bool { dimensions != nil }

  /// `f32[n,d]`
  package var typeText: String {
    type.rawValue + (dimensions.map { "[\($0.map(\.description).joined(separator: ","))]" } ?? "")
  }
}

/// What a function returns and what that is.
package enum BareResult: Sendable, Equatable {
  case void
  /// 0 = done; anything else fails the call.
  case status
  case loss(BareScalar)
  case metric(BareScalar, name: String)
  case value(BareScalar)

  package var scalar: BareScalar? {
    switch self {
    case .void: nil
    case .status: .i32
    case .loss(let type), .metric(let type, _), .value(let type): type
    }
  }
}

/// A number, or the name of a parameter, in `gain(-1)=0` and `bias(0)=hard_weight`.
package enum BareNumber: Sendable, Equatable {
  case number(Double)
  case parameter(String)
}

/// `gain(shift)=x`: for the cells (i, (i + shift) mod N) of the function's own block.
package struct BareShift: Sendable, Equatable {
  package var shift: Int
  package var value: BareNumber
  package var place: Int
}

/// What follows the arguments.
package struct BareAttributes: Sendable, Equatable {
  package var isDetached = false
  package var rows: String?
  package var columns: String?
  package var gains: [BareShift] = []
  package var biases: [BareShift] = []
  package var masksByExclusion = false
  package var isRowwise = false
  package var backward: String?
  package var commit: String?
  package var text = ""
}

/// One declaration.
package struct BareDeclaration: Sendable, Equatable {
  package enum Kind: String, Sendable, CaseIterable {
    case pooler, sampler, loss, backward, commit, schedule, metric
    case function = "fn"
  }

  package var kind: Kind
  package var name: String
  /// The C function; the name where the text gives no other.
  package var symbol: String
  package var arguments: [BareArgument]
  package var result: BareResult
  package var attributes: BareAttributes
  package var place: Int
}

/// The whole text.
package struct BareText: Sendable, Equatable {
  /// `library org.example.mine 1.2 ;`
  package var libraryID: String?
  package var version: String?
  package var declarations: [BareDeclaration] = []
}

/// Limits that no honest text comes near; they bound what a broken one can cost.
enum BareLimits {
  static let text = BareSource.largestText
  static let declarations = 256
  /// libffi keeps the argument vector on the stack; nobody needs more.
  static let arguments = 32
  static let dimensions = 4
  static let name = 64
}
