// What every kernel file shares: one clone per vector width on x86-64, chosen at load time by the processor.
#ifndef CK_CLONES_H
#define CK_CLONES_H

#if defined(__x86_64__) && defined(__linux__)
#define CK_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CK_CLONES
#endif

#define CK_INLINE static inline __attribute__((always_inline))

#endif
