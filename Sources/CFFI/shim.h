#include <ffi.h>
// clang-format off
/* The type descriptions are global variables, which Swift 6 does not let pass as they are; their addresses never
 * change. */
#define CFFI_TYPE(name) static inline ffi_type *cffi_##name(void) { return &ffi_type_##name; }
CFFI_TYPE(void) CFFI_TYPE(uint8) CFFI_TYPE(sint32) CFFI_TYPE(uint32) CFFI_TYPE(sint64) CFFI_TYPE(uint64)
CFFI_TYPE(float) CFFI_TYPE(double) CFFI_TYPE(pointer)
