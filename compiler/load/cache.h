/* cache.h: private to load/: objects on disk. What they are objects of, their key tells. */
#ifndef SSLC_CACHE_H
#define SSLC_CACHE_H

#include "../codegen/codegen.h"

typedef struct Cache {
	int folder;     /* of object files, open; -1: none */
	char note[800]; /* why there is none, if that is worth a word */
} Cache;

void cache_open(Cache *cache);
void cache_close(Cache *cache);
bool cache_load(const Cache *cache, CodeHash key, Objects *out); /* false: not there, or damaged */
void cache_store(const Cache *cache, CodeHash key, const Objects *objects); /* best effort */
/* The form of a file. False: damaged, or of another key. */
bool objects_parse(const char *file, size_t size, CodeHash key, Objects *out);
void objects_print(const Objects *objects, CodeHash key, Text *out);

#endif
