// Parameters that are text.

/// A parameter that is text, for what no number says: a list of layers.
public final class Text: Parameter, @unchecked Sendable {
  /// Declares a text with its default; without line ends and quotation marks.
  public init(_ value: String, _ text: String) {
    super.init(declaration: "string = \"\(value)\"", live: false, log: false, text: text)
  }
}

extension Call {
  /// The value of a parameter.
  public subscript(_ parameter: Text) -> String {
    raw.pointee.values[parameter.index].s.map { String(cString: $0) } ?? ""
  }
}
