// The one symbol of libNegatives.so.

import PluginAPI
import PluginKit

private let library = Library(
  id: "org.mixcse.negatives", version: "1.0.0",
  recipes: [
    "clip = sampler:symmetric loss:infonce", "nt-xent = sampler:two-sided loss:infonce",
    "gs-infonce = sampler:gaussian-noise loss:infonce", "mochi = sampler:mochi loss:infonce",
    "hncse-pm = sampler:hncse-pm loss:infonce", "hncse-hnm = sampler:hncse-hnm loss:infonce",
    "moco = sampler:momentum sampler:queue:by=average,decay=0.999,dropout=true,size=4096 loss:infonce",
    "dclr = sampler:dclr loss:infonce", "gist = sampler:gist loss:infonce",
    "off-dropout = sampler:off-dropout loss:infonce", "queue = sampler:queue loss:infonce",
    "cross-batch = sampler:cross-batch loss:infonce",
  ],
  [
    Symmetric(), TwoSided(), Noise(), Hardest(), FalseNegatives(), SameText(), SoftNegatives(), MoCHi(),
    PositiveMixing(), HardNegativeMixing(), Queue(), CrossBatch(), Momentum(), OffDropout(), Gist(),
    DCLR(),
  ])

@c @implementation
public func cse_library_entry_v1(_ host: UnsafePointer<cse_host>?) -> UnsafePointer<cse_library>? { library.entry }
