// Numbers as C's printf writes them: the same text everywhere, whatever the locale of the user.

import Glibc

extension String {
  /// One number by a printf format such as "%.4f" or "%+.2g".
  package init(format: String, _ value: Double) {
    // The longest number of all, 1.8e308 with every digit, has 309 places before its point.
    var text = [CChar](repeating: 0, count: 512)
    let count = withVaList([value]) { vsnprintf(&text, text.count, format, $0) }
    self.init(decoding: text.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
