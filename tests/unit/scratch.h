/* scratch.h: a folder of its own for a test that writes files, and paths of the stored oracles. */
#ifndef SSLC_TEST_SCRATCH_H
#define SSLC_TEST_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Scratch {
	char folder[256];
	char path[512]; /* what scratch_path gave last */
} Scratch;

void scratch_open(Scratch *s);
void scratch_close(Scratch *s); /* removes the folder and the files in it */
/* The path of a file in the folder; valid until the next call. */
const char *scratch_path(Scratch *s, const char *name);
/* The files in the folder. */
int scratch_count(const Scratch *s);

/* By stdio alone, so that the code under test is not its own witness. */
bool file_put(const char *path, const void *bytes, size_t size);
/* Memory that the caller frees, with a 0 behind it; NULL: there is no such file. */
unsigned char *file_get(const char *path, size_t *size);
bool file_holds(const char *path, const void *bytes, size_t size);

/* tests/oracle/NAME; valid until the next call. */
const char *oracle_path(const char *name);

#endif
