// The loop behind the digests of the Files module. Called by Files; nothing is kept beyond a call.
#ifndef CDIGESTS_H
#define CDIGESTS_H

#include <stdint.h>

// Adds `count` blocks of 64 bytes to the state of SHA-256.
void cd_sha256_blocks(uint32_t state[8], const uint8_t *bytes, int64_t count);
// Takes the processor's SHA instructions if wanted and there, else plain code; returns whether it did. For tests: the
// instructions are taken at start. Both make the same hash.
int32_t cd_sha256_select(int32_t hardware);

#endif
