/* bitcode.h: this folder as LLVM bitcode, which the compiler links into what it emits. One module
 * of each layout of the tables: of 64-bit pointers (x86_64-unknown-none-elf) and of 32-bit ones
 * (armv7-none-eabi). Both are freestanding, have no undefined symbol, and are to be retargeted:
 * their functions carry the attributes of these machines ("target-cpu", "target-features"). */
#ifndef SSLC_EMBED_BITCODE_H
#define SSLC_EMBED_BITCODE_H

#include <stddef.h>

extern const unsigned char embed_bitcode_64[], embed_bitcode_32[];
extern const size_t embed_bitcode_64_bytes, embed_bitcode_32_bytes;

#endif
