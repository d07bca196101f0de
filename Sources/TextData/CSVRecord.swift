// Records of CSV as RFC 4180 has them, written so that the readers here and elsewhere give back every byte.

/// A line of CSV with its end: fields that hold commas, quotes or line ends, or blanks at their ends, are quoted.
package func csvRecord(_ fields: [[UInt8]]) -> [UInt8] {
  let special: Set<UInt8> = [10, 13, UInt8(ascii: ","), UInt8(ascii: "\"")]
  let blanks: Set<UInt8> = [9, 32]
  return Array(
    fields.map { field in
      let isPlain =
        !field.contains(where: special.contains) && !(field.first.map(blanks.contains) ?? false)
        && !(field.last.map(blanks.contains) ?? false)
      if isPlain { return field }
      let quote = UInt8(ascii: "\"")
      return [quote] + field.flatMap { $0 == quote ? [quote, quote] : [$0] } + [quote]
    }.joined(separator: [UInt8(ascii: ",")])) + [10]
}
