// The one symbol of libTextNegatives.so.

import PluginAPI
import PluginKit

private let library = Library(
  id: "org.mixcse.textnegatives", version: "1.0.0",
  recipes: ["word-overlap = sampler:word-overlap loss:infonce"], [WordOverlap()])

@c @implementation
public func cse_library_entry_v1(_ host: UnsafePointer<cse_host>?) -> UnsafePointer<cse_library>? { library.entry }
