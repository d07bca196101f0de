// The text of bare functions as it is written: declarations, arguments, types. Made by BareParser, given meaning by
// BareComponent. One declaration describes one C function.

package import PluginGrammar
import PluginLoading

/// What is wrong with the text of bare functions, and where (both count from 1, columns in characters).
package struct BareTextProblem: Error, Equatable, CustomStringConvertible {
  /// Counts from 1.
  package let line: Int
  /// Counts characters from 1.
  package let column: Int
  /// What was expected and what was found.
  package let message: String

  /// The place and what is wrong there.
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

  /// Whether it is a floating-point type.
  package var isFloat: Bool { self == .f32 || self == .f64 }
  /// Whether it is an integer type; a bool is none.
  package var isInteger: Bool { !isFloat && self != .bool && self != .cstr }
}

/// One extent of an array: `64`, `n`, `s+1`, or an integer argument's name.
package struct BareDimension: Sendable, Equatable, CustomStringConvertible {
  /// Nil for a plain number, which then stands in `plus`.
  package let name: String?
  /// What is added to the name's value.
  package let plus: Int

  /// As written: `s+1`.
  package var description: String { name.map { plus == 0 ? $0 : "\($0)+\(plus)" } ?? "\(plus)" }
}

/// One argument: `[dir] name : type[dims] [= default] [in range] [live] [log] ["text"]`.
package struct BareArgument: Sendable, Equatable {
  /// What the function does with an argument, or what the argument is.
  package enum Direction: String, Sendable, CaseIterable {
    case `in`, out, `inout`, grad, scratch, weight, state, cb
  }

  /// Nil where the text says none: in.
  package var direction: Direction?
  /// Unique among the arguments.
  package var name: String
  /// Of a scalar, or of an array's elements.
  package var type: BareScalar
  /// Nil for a scalar.
  package var dimensions: [BareDimension]?
  /// What stands after `=`.
  package var defaultText: String?
  /// Legal values of a parameter; nil: all.
  package var range: ParameterRange?
  /// Whether a schedule may change it between steps.
  package var live = false
  /// Whether sweeps go through it in powers.
  package var log = false
  /// What the author says about it.
  package var text = ""
  /// Where it starts in the text, in bytes.
  package var place: Int

  /// Whether it has dimensions.
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

  /// The C type of what is returned; nil for void.
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
  /// How many columns to the right of the diagonal.
  package var shift: Int
  /// The factor, or what is added.
  package var value: BareNumber
  /// Where it starts in the text, in bytes.
  package var place: Int
}

/// What follows the arguments.
package struct BareAttributes: Sendable, Equatable {
  /// `detached`: nothing flows back through what it makes.
  package var isDetached = false
  /// `rows(z1)`: what stands on the rows' side of its block.
  package var rows: String?
  /// `cols(x)`: what stands on the columns' side.
  package var columns: String?
  /// `gain(shift)=x`, factors of logits.
  package var gains: [BareShift] = []
  /// `bias(shift)=x`, numbers added to logits.
  package var biases: [BareShift] = []
  /// `mask`: a gain of 0 takes the candidate out.
  package var masksByExclusion = false
  /// `rowwise`: a loss that is differentiated by finite differences.
  package var isRowwise = false
  /// `backward(NAME)`.
  package var backward: String?
  /// `commit(NAME)`.
  package var commit: String?
  /// What the author says about the function.
  package var text = ""
}

/// One declaration.
package struct BareDeclaration: Sendable, Equatable {
  /// The word a declaration begins with.
  package enum Kind: String, Sendable, CaseIterable {
    case pooler, sampler, loss, backward, commit, schedule, metric
    case function = "fn"
  }

  /// The word it begins with.
  package var kind: Kind
  /// `[a-z0-9_-]+`.
  package var name: String
  /// The C function; the name where the text gives no other.
  package var symbol: String
  /// In the C function's order.
  package var arguments: [BareArgument]
  /// What the C function returns.
  package var result: BareResult
  /// What follows the arguments.
  package var attributes: BareAttributes
  /// Where it starts in the text, in bytes.
  package var place: Int
}

/// The whole text.
package struct BareText: Sendable, Equatable {
  /// `library org.example.mine 1.2 ;`
  package var libraryID: String?
  /// The library's version; nil where the text has none.
  package var version: String?
  /// In the text's order.
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
