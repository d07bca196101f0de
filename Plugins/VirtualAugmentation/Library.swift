// The one symbol of libVirtualAugmentation.so.

import PluginAPI
import PluginKit

private let library = Library(
  id: "org.mixcse.virtualaugmentation", version: "1.0.0",
  recipes: ["vascl = sampler:two-sided loss:infonce loss:vascl"], [VaSCL()])

@c @implementation
public func cse_library_entry_v1(_ host: UnsafePointer<cse_host>?) -> UnsafePointer<cse_library>? { library.entry }
