// The one symbol of libSimCSELoss.so.

import PluginAPI
import PluginKit

private let library = Library(
  id: "org.mixcse.simcse", version: "1.0.0", recipes: ["simcse = loss:infonce"], [InfoNCE()])

@c @implementation
public func cse_library_entry_v1(_ host: UnsafePointer<cse_host>?) -> UnsafePointer<cse_library>? { library.entry }
