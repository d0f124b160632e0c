/* cache.c: object files of functions that were compiled before, in a folder of their own. What functions
 * share is in the file of each.
 *
 * The key is the hash of all that the code depends on. A file is
 *   "sslcobj1"  key (16 bytes)  hash of the rest (8)  count (8)  sizes (8 each)  objects
 * so that a damaged or foreign file is seen and ignored. Files appear whole or not at all (written
 * beside, then renamed), so that any number of processes can share a folder. A cache that cannot be
 * read or written costs time, nothing else. The oldest files go when the folder passes its limit.
 *
 * What is loaded is executed, so it must be this user's: the folder is opened once, without
 * following a link, and is used only if it is the user's and nobody else can write to it; so must
 * each file be, which is a regular one. The checksum finds damage, not malice: the modes do that.
 *
 * $SSLC_CACHE names the folder, "off" switches it off; else $XDG_CACHE_HOME/sslc or ~/.cache/sslc. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cache.h"

static const char MAGIC[8] = "sslcobj1";
static const size_t FILE_LIMIT = (size_t)256 << 20;
static const int64_t FOLDER_LIMIT = (int64_t)1 << 30;
enum { HEAD = 8 + 16 + 8 + 8, KEY_DIGITS = 32, NAME = KEY_DIGITS + 32, STALE = 3600 /* seconds */ };

/* -- The folder -------------------------------------------------------------------------------- */

/* Makes the folder and those above it. */
static bool make_folder(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		bool there = mkdir(path, 0700) == 0 || errno == EEXIST;
		*slash = '/';
		if (!there)
			return false;
	}
	return mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* NULL, or what keeps this user from trusting it. */
static const char *distrust(const struct stat *about)
{
	return about->st_uid != geteuid() ? "belongs to another user"
	       : about->st_mode & (S_IWGRP | S_IWOTH)
	           ? "can be written by others (chmod go-w makes it safe)"
	           : NULL;
}

static void no_cache(Cache *cache, const char *path, const char *why)
{
	snprintf(cache->note, sizeof cache->note, "compiled code is not kept: the folder '%.600s' %s",
	         path, why);
}

static int open_folder(Cache *cache, const char *path)
{
	struct stat about;
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0) {
		bool is_link = lstat(path, &about) == 0 && S_ISLNK(about.st_mode);
		no_cache(cache, path, is_link ? "is a symbolic link" : strerror(errno));
		return -1;
	}
	const char *why = fstat(folder, &about) == 0 ? distrust(&about) : strerror(errno);
	if (!why)
		return folder;
	no_cache(cache, path, why);
	close(folder);
	return -1;
}

void cache_open(Cache *cache)
{
	const char *own = getenv("SSLC_CACHE"), *base = getenv("XDG_CACHE_HOME"),
	           *home = getenv("HOME");
	char path[4096];
	int size = 0;
	cache->folder = -1;
	if (own && *own)
		size = strcmp(own, "off") == 0 ? 0 : snprintf(path, sizeof path, "%s", own);
	else if (base && *base == '/')
		size = snprintf(path, sizeof path, "%s/sslc", base);
	else if (home && *home == '/')
		size = snprintf(path, sizeof path, "%s/.cache/sslc", home);
	if (size <= 0)
		return;
	if (size >= (int)sizeof path)
		no_cache(cache, path, "has too long a name");
	else if (make_folder(path))
		cache->folder = open_folder(cache, path);
	else if (own && *own) /* a home that cannot be written is nothing to speak of */
		no_cache(cache, path, strerror(errno));
}

void cache_close(Cache *cache)
{
	if (cache->folder >= 0)
		close(cache->folder);
	cache->folder = -1;
}

static void name_of(CodeHash key, char name[NAME])
{
	snprintf(name, NAME, "%016llx%016llx.o", (unsigned long long)key.word[0],
	         (unsigned long long)key.word[1]);
}

/* -- Load -------------------------------------------------------------------------------------- */

bool objects_parse(const char *file, size_t size, CodeHash key, Objects *out)
{
	uint64_t head[2], count;
	if (size < HEAD || memcmp(file, MAGIC, 8) != 0 || memcmp(file + 8, &key, sizeof key) != 0)
		return false;
	memcpy(head, file + 24, sizeof head);
	count = head[1];
	if (head[0] != hash_bytes(0, file + 32, size - 32) || count < 1 || count > (size - HEAD) / 8)
		return false;
	size_t at = HEAD + 8 * count;
	for (uint64_t i = 0; i < count; i++) {
		uint64_t length;
		memcpy(&length, file + HEAD + 8 * i, 8);
		if (length > size - at)
			break;
		objects_add(out, file + at, length);
		at += length;
	}
	if (out->count == count && at == size)
		return true;
	objects_close(out);
	return false;
}

/* The bytes of an open file; NULL if it is not to be trusted, or cannot be read. */
static char *read_trusted(int file, size_t *size)
{
	struct stat about;
	if (fstat(file, &about) != 0 || !S_ISREG(about.st_mode) || distrust(&about) ||
	    about.st_size < HEAD || (uint64_t)about.st_size > FILE_LIMIT)
		return NULL;
	*size = (size_t)about.st_size;
	char *bytes = malloc(*size);
	for (size_t at = 0; bytes && at < *size;) {
		ssize_t got = read(file, bytes + at, *size - at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			free(bytes);
			return NULL;
		}
		at += (size_t)got;
	}
	return bytes;
}

bool cache_load(const Cache *cache, CodeHash key, Objects *out)
{
	char name[NAME];
	size_t size;
	name_of(key, name);
	int file = cache->folder < 0
	               ? -1
	               : openat(cache->folder, name,
	                        O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (file < 0)
		return false;
	char *bytes = read_trusted(file, &size);
	bool good = bytes && objects_parse(bytes, size, key, out);
	free(bytes);
	if (good)
		(void)futimens(file, NULL); /* used: the oldest go first */
	close(file);
	return good;
}

/* -- Prune ------------------------------------------------------------------------------------- */

typedef struct Entry {
	char name[NAME];
	struct timespec used;
	int64_t bytes;
} Entry;

typedef struct Entries {
	Entry *entry;
	size_t count, room;
	int64_t bytes;
} Entries;

static int older_first(const void *a, const void *b)
{
	const Entry *p = a, *q = b;
	if (p->used.tv_sec != q->used.tv_sec)
		return p->used.tv_sec < q->used.tv_sec ? -1 : 1;
	return p->used.tv_nsec < q->used.tv_nsec ? -1 : p->used.tv_nsec > q->used.tv_nsec;
}

/* Of the cache's own name form: KEY.o, or (in `beside`) KEY.o.PID while it is written. */
static bool is_own(const char *name, bool *beside)
{
	size_t digits = strspn(name, "0123456789abcdef");
	if (digits != KEY_DIGITS || strncmp(name + digits, ".o", 2) != 0)
		return false;
	const char *rest = name + digits + 2;
	*beside = *rest == '.';
	return !*rest ||
	       (*beside && rest[1] && !rest[1 + strspn(rest + 1, "0123456789")] && strlen(name) < NAME);
}

static bool add_entry(Entries *all, const char *name, const struct stat *about)
{
	size_t length = strlen(name);
	if (length >= NAME)
		return true; /* none of ours */
	if (all->count == all->room) {
		size_t room = all->room ? 2 * all->room : 256;
		Entry *more = realloc(all->entry, room * sizeof *more);
		if (!more)
			return false;
		all->entry = more, all->room = room;
	}
	Entry *e = &all->entry[all->count++];
	memcpy(e->name, name, length + 1);
	e->used = about->st_mtim, e->bytes = about->st_size;
	all->bytes += about->st_size;
	return true;
}

/* Takes away what a killed process left beside, and the oldest files of a full folder. */
static void prune(const Cache *cache)
{
	int again = openat(cache->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = again < 0 ? NULL : fdopendir(again);
	Entries all = {0};
	time_t now = time(NULL);
	bool beside;
	for (struct dirent *d; folder && (d = readdir(folder));) {
		struct stat about;
		if (!is_own(d->d_name, &beside) ||
		    fstatat(cache->folder, d->d_name, &about, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(about.st_mode))
			continue;
		if (beside && now - about.st_mtim.tv_sec > STALE)
			(void)unlinkat(cache->folder, d->d_name, 0);
		else if (!beside && !add_entry(&all, d->d_name, &about))
			break;
	}
	if (all.bytes > FOLDER_LIMIT) {
		qsort(all.entry, all.count, sizeof *all.entry, older_first);
		for (size_t i = 0; i < all.count && all.bytes > FOLDER_LIMIT / 2; i++)
			if (unlinkat(cache->folder, all.entry[i].name, 0) == 0)
				all.bytes -= all.entry[i].bytes;
	}
	free(all.entry);
	if (folder)
		closedir(folder);
	else if (again >= 0)
		close(again);
}

/* -- Store ------------------------------------------------------------------------------------- */

void objects_print(const Objects *objects, CodeHash key, Text *out)
{
	uint64_t head[2] = {0, objects->count};
	text_add(out, MAGIC, 8);
	text_add(out, (const char *)&key, sizeof key);
	text_add(out, (const char *)head, sizeof head);
	for (size_t i = 0; i < objects->count; i++)
		text_add(out, (const char *)&(uint64_t){objects->object[i].size}, 8);
	for (size_t i = 0; i < objects->count; i++)
		text_add(out, objects->object[i].data, objects->object[i].size);
	head[0] = hash_bytes(0, out->data + 32, out->size - 32);
	memcpy(out->data + 24, head, 8);
}

/* Not synced: after a crash of the machine the checksum tells. */
static bool write_file(int folder, const char *beside, const char *name, const Text *text)
{
	int file = openat(folder, beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file < 0)
		return false;
	bool good = write_all(file, text->data, text->size);
	good = close(file) == 0 && good && renameat(folder, beside, folder, name) == 0;
	if (!good)
		(void)unlinkat(folder, beside, 0);
	return good;
}

void cache_store(const Cache *cache, CodeHash key, const Objects *objects)
{
	char name[NAME], beside[NAME];
	Text file = {0};
	if (cache->folder < 0)
		return;
	name_of(key, name);
	snprintf(beside, sizeof beside, "%.*s.%ld", KEY_DIGITS + 2, name, (long)getpid());
	objects_print(objects, key, &file);
	if (file.size <= FILE_LIMIT && write_file(cache->folder, beside, name, &file))
		prune(cache);
	text_close(&file);
}
