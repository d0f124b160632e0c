/* x86.h: the level of x86-64 that a processor has: 1 to 4. */
#ifndef SSLC_EMBED_X86_H
#define SSLC_EMBED_X86_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __x86_64__
uint32_t embed_x86_level(void);
#endif

#endif
