/* cache.c: object files of functions that were compiled before, in a folder of their own.
 *
 * The key is a hash of all that the code depends on: this compiler's sources, LLVM's version, the
 * CPU and its features, every kernel's structure and the place of every buffer. A file is
 *   "sslcobj1"  key (16 bytes)  hash of the rest (8)  count (8)  sizes (8 each)  objects
 * so that a damaged or foreign file is seen and ignored. Files appear whole or not at all
 * (file_write), so that any number of processes can share a folder. A cache that cannot be read or
 * written costs time, nothing else. The oldest files go when the folder passes LIMIT.
 *
 * $SSLC_CACHE names the folder, "off" switches it off; else $XDG_CACHE_HOME/sslc or ~/.cache/sslc.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "llvm_version.h"
#include "unit.h"

extern const char compiler_sources[]; /* their hash: made by the build */

static const char MAGIC[8] = "sslcobj1";
static const size_t FILE_LIMIT = (size_t)256 << 20;
static const int64_t FOLDER_LIMIT = (int64_t)1 << 30;
enum { HEAD = 8 + 16 + 8 + 8 };

/* -- The key ----------------------------------------------------------------------------------- */

typedef struct Facts { /* that the code depends on, as words */
	uint64_t *word;
	size_t count;
} Facts;

static void fact(Facts *f, uint64_t word)
{
	f->word[f->count++] = word;
}

/* The place of every buffer; every kernel, with its buffers. */
static Facts facts_of(Compile *c, const Kernels *k, StateOffset offset, void *states)
{
	BufferId *touched = new_array(c->arena, BufferId, k->buffer_count);
	size_t room = 2 * (size_t)k->buffer_count;
	for (uint32_t i = 0; i < k->kernel_count; i++)
		room += 6 + step_touched(c, k, &k->kernel[i], touched);
	Facts f = {.word = new_array(c->arena, uint64_t, room)};
	for (BufferId b = 1; b < k->buffer_count; b++) {
		const Buffer *buffer = &k->buffer[b];
		fact(&f, (uint64_t)buffer->place);
		fact(&f, buffer->place == PLACE_ARENA   ? buffer->offset
		         : buffer->place == PLACE_STATE ? offset(states, k->state_name[buffer->slot])
		                                        : buffer->slot);
	}
	for (uint32_t i = 0; i < k->kernel_count; i++) {
		const Kernel *kernel = &k->kernel[i];
		uint32_t count = step_touched(c, k, kernel, touched);
		fact(&f, kernel->hash);
		fact(&f, (uint64_t)kernel->tiles * 2 + kernel->beside);
		fact(&f, count);
		for (uint32_t t = 0; t < count; t++)
			fact(&f, touched[t]);
		const Chain *chain = kernel->chain;
		fact(&f, chain ? chain->count * 2 + kernel->adds : 0);
		fact(&f, chain ? (uint64_t)chain->units : 0);
		fact(&f, chain ? (uint64_t)chain->block : 0);
	}
	return f;
}

bool cache_key(const Codegen *cg, const Kernels *k, StateOffset offset, void *states, CacheKey *to)
{
	for (uint32_t i = 0; i < k->kernel_count; i++)
		if (!k->kernel[i].hash)
			return false;
	Facts f = facts_of(cg->c, k, offset, states);
	for (int i = 0; i < 2; i++) {
		Hash h = hash_text((Hash)i + 1, compiler_sources);
		h = hash_text(hash_text(hash_text(h, LLVM_VERSION_STRING), cg->cpu), cg->features);
		h = hash_text(h, cg->triple);
		h = hash_u64(h, (uint64_t)cg->c->profile * 2 + k->once);
		to->word[i] = hash_bytes(h, f.word, f.count * sizeof *f.word);
	}
	return true;
}

/* -- The folder -------------------------------------------------------------------------------- */

/* Makes the folder and those above it. */
static bool make_folder(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		bool there = mkdir(path, 0777) == 0 || errno == EEXIST;
		*slash = '/';
		if (!there)
			return false;
	}
	return mkdir(path, 0777) == 0 || errno == EEXIST;
}

void cache_open(Codegen *cg)
{
	const char *own = getenv("SSLC_CACHE"), *base = getenv("XDG_CACHE_HOME"),
	           *home = getenv("HOME");
	size_t room = sizeof cg->cache;
	int size = 0;
	if (own && *own)
		size = strcmp(own, "off") == 0 ? 0 : snprintf(cg->cache, room, "%s", own);
	else if (base && *base == '/')
		size = snprintf(cg->cache, room, "%s/sslc", base);
	else if (home && *home == '/')
		size = snprintf(cg->cache, room, "%s/.cache/sslc", home);
	if (size <= 0 || size >= (int)room - 64 || !make_folder(cg->cache))
		cg->cache[0] = 0;
}

static const char *path_of(const Codegen *cg, CacheKey key)
{
	return arena_printf(cg->c->arena, "%s/%016llx%016llx.o", cg->cache,
	                    (unsigned long long)key.word[0], (unsigned long long)key.word[1]);
}

/* -- Load -------------------------------------------------------------------------------------- */

static bool parse(const Text *file, CacheKey key, Objects *out)
{
	uint64_t head[2], count;
	if (file->size < HEAD || memcmp(file->data, MAGIC, 8) != 0 ||
	    memcmp(file->data + 8, &key, sizeof key) != 0)
		return false;
	memcpy(head, file->data + 24, sizeof head);
	count = head[1];
	if (head[0] != hash_bytes(0, file->data + 32, file->size - 32) || count < 1 ||
	    count > COUNT(out->object) || file->size < HEAD + 8 * count)
		return false;
	size_t at = HEAD + 8 * count;
	for (uint64_t i = 0; i < count; i++) {
		uint64_t size;
		memcpy(&size, file->data + HEAD + 8 * i, 8);
		if (size > file->size - at) {
			objects_close(out);
			return false;
		}
		text_add(&out->object[out->count++], file->data + at, size);
		at += size;
	}
	return true;
}

bool cache_load(const Codegen *cg, CacheKey key, Objects *out)
{
	char why[128];
	Text file = {0};
	if (!cg->cache[0])
		return false;
	const char *path = path_of(cg, key);
	bool good = access(path, R_OK) == 0 && file_read(path, FILE_LIMIT, &file, why) &&
	            parse(&file, key, out);
	text_close(&file);
	if (good)
		(void)utimensat(AT_FDCWD, path, NULL, 0); /* used: the oldest go first */
	return good;
}

/* -- Store ------------------------------------------------------------------------------------- */

typedef struct Entry {
	char name[64];
	struct timespec used;
	int64_t bytes;
} Entry;

static int older_first(const void *a, const void *b)
{
	const Entry *p = a, *q = b;
	if (p->used.tv_sec != q->used.tv_sec)
		return p->used.tv_sec < q->used.tv_sec ? -1 : 1;
	return p->used.tv_nsec < q->used.tv_nsec ? -1 : p->used.tv_nsec > q->used.tv_nsec;
}

static void prune(const Codegen *cg)
{
	enum { MOST = 4096 };
	DIR *folder = opendir(cg->cache);
	Entry *entry = calloc(MOST, sizeof *entry);
	size_t count = 0;
	int64_t bytes = 0;
	for (struct dirent *d; folder && entry && count < MOST && (d = readdir(folder));) {
		struct stat about;
		size_t length = strlen(d->d_name);
		if (!strstr(d->d_name, ".o") || length >= sizeof entry->name ||
		    fstatat(dirfd(folder), d->d_name, &about, 0) != 0)
			continue;
		Entry *e = &entry[count++];
		memcpy(e->name, d->d_name, length + 1);
		e->used = about.st_mtim, e->bytes = about.st_size;
		bytes += about.st_size;
	}
	if (bytes > FOLDER_LIMIT) {
		qsort(entry, count, sizeof *entry, older_first);
		for (size_t i = 0; i < count && bytes > FOLDER_LIMIT / 2; i++)
			if (unlinkat(dirfd(folder), entry[i].name, 0) == 0)
				bytes -= entry[i].bytes;
	}
	free(entry);
	if (folder)
		closedir(folder);
}

void cache_store(const Codegen *cg, CacheKey key, const Objects *objects)
{
	char why[128];
	Text file = {0};
	uint64_t head[2] = {0, objects->count};
	if (!cg->cache[0])
		return;
	text_add(&file, MAGIC, 8);
	text_add(&file, (const char *)&key, sizeof key);
	text_add(&file, (const char *)head, sizeof head);
	for (size_t i = 0; i < objects->count; i++)
		text_add(&file, (const char *)&(uint64_t){objects->object[i].size}, 8);
	for (size_t i = 0; i < objects->count; i++)
		text_add(&file, objects->object[i].data, objects->object[i].size);
	head[0] = hash_bytes(0, file.data + 32, file.size - 32);
	memcpy(file.data + 24, head, 8);
	if (file.size <= FILE_LIMIT && file_write(path_of(cg, key), file.data, file.size, why))
		prune(cg);
	text_close(&file);
}
