// What every kernel file shares: one clone per vector width on x86-64, chosen at load time by the processor.
#ifndef CK_CLONES_H
#define CK_CLONES_H

// The functions that choose a clone run before a thread sanitizer is ready, so there is one clone under it.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CK_ONE_CLONE
#endif
#endif

#if defined(__x86_64__) && defined(__linux__) && !defined(CK_ONE_CLONE)
#define CK_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
// For code written in whole vectors of 64 bytes: the widest clone uses them undivided.
#define CK_WIDE_CLONES CK_CLONES __attribute__((min_vector_width(512)))
#else
#define CK_CLONES
#define CK_WIDE_CLONES
#endif

#if defined(__x86_64__) && defined(__linux__)
// For code that works on pairs of bfloat16, which is called only where the processor has instructions for them.
#define CK_PAIRS_TARGET __attribute__((target("arch=x86-64-v4,avx512bf16"), min_vector_width(512)))
#endif

#define CK_INLINE static inline __attribute__((always_inline))

#endif
