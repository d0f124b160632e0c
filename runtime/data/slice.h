/* slice.h: private to data/: a part of a text that lives elsewhere. */
#ifndef SSLC_SLICE_H
#define SSLC_SLICE_H

#include <stddef.h>

typedef struct Slice {
	const char *at;
	size_t size;
} Slice;

#endif
