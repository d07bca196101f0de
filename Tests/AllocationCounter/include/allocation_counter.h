// How often the calling thread allocates between two moments.
#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

#include <stdint.h>

// Counts from now on; with `traces` every allocation also writes its stack to standard error.
void ac_start(int traces);
// Ends counting; returns how many allocations there were.
int64_t ac_stop(void);
// Bytes of the largest one.
int64_t ac_largest(void);
// 0 where it cannot count: a sanitizer's own allocator is in charge.
int ac_counts(void);

#endif
