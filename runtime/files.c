/* files.c: whole files: read at once, or replaced at once.
 *
 * A file is written beside its place, under a name of our own form, and is locked until it has been
 * renamed. So what a killed process left is known: a name of that form that nobody has locked. The
 * next write of the same file removes it. */
#include "runtime.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

bool because(char why[WHY], const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(why, WHY, format, args);
	va_end(args);
	return false;
}

uint64_t bytes_hash(const void *bytes, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325u;
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3u;
	return hash;
}

double seconds_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static unsigned char *read_from(int file, const char *path, size_t limit, size_t *size,
                                char why[WHY])
{
	size_t capacity = 1 << 16;
	unsigned char *bytes = malloc(capacity + 1);
	if (!bytes)
		because(why, "no memory for '%s'", path);
	*size = 0;
	while (bytes) {
		ssize_t got = read(file, bytes + *size, capacity - *size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			because(why, "cannot read '%s': %s", path, strerror(errno));
			break;
		}
		if (got == 0) {
			bytes[*size] = 0;
			return bytes;
		}
		*size += (size_t)got;
		if (*size > limit) {
			because(why, "'%s' is larger than %zu bytes", path, limit);
			break;
		}
		if (*size == capacity) {
			unsigned char *more = realloc(bytes, 2 * capacity + 1);
			if (!more) {
				because(why, "no memory for '%s'", path);
				break;
			}
			bytes = more;
			capacity *= 2;
		}
	}
	free(bytes);
	return NULL;
}

/* Without waiting: a pipe that nobody writes to would be waited for. */
int file_open(const char *path, char why[WHY])
{
	int file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat about;
	if (file < 0 || fstat(file, &about) != 0)
		because(why, "cannot open '%s': %s", path, strerror(errno));
	else if (S_ISDIR(about.st_mode))
		because(why, "'%s' is a folder", path);
	else if (!S_ISREG(about.st_mode))
		because(why, "'%s' is no regular file: data is read from files, not from pipes or devices",
		        path);
	else
		return file;
	if (file >= 0)
		close(file);
	return -1;
}

unsigned char *bytes_read(const char *path, size_t limit, size_t *size, char why[WHY])
{
	int file = file_open(path, why);
	if (file < 0)
		return NULL;
	unsigned char *bytes = read_from(file, path, limit, size, why);
	close(file);
	return bytes;
}

static bool write_all(int file, const char *bytes, size_t size)
{
	while (size) {
		ssize_t done = write(file, bytes, size);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return false;
		bytes += done;
		size -= (size_t)done;
	}
	return true;
}

#define BESIDE ".sslc-XXXXXX"
enum { BESIDE_SIZE = sizeof BESIDE - 1, BESIDE_RANDOM = 6 };

static bool is_beside(const char *name, const char *of)
{
	size_t size = strlen(of), fixed = BESIDE_SIZE - BESIDE_RANDOM;
	if (strncmp(name, of, size) != 0 || strncmp(name + size, BESIDE, fixed) != 0)
		return false;
	const char *random = name + size + fixed;
	size_t count = 0;
	while (isalnum((unsigned char)random[count]))
		count++;
	return count == BESIDE_RANDOM && !random[count];
}

/* Removes a file that nobody is writing. */
static void remove_rest(int folder, const char *name)
{
	struct stat about;
	int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (file < 0)
		return;
	if (fstat(file, &about) == 0 && S_ISREG(about.st_mode) && flock(file, LOCK_EX | LOCK_NB) == 0)
		(void)unlinkat(folder, name, 0);
	close(file);
}

static DIR *open_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *name = strndup(path, slash ? (size_t)(slash - path) + 1 : 0);
	DIR *folder = name ? opendir(slash ? name : ".") : NULL;
	free(name);
	return folder;
}

static void remove_rests(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	DIR *folder = open_folder(path);
	for (struct dirent *entry; folder && (entry = readdir(folder));)
		if (is_beside(entry->d_name, name))
			remove_rest(dirfd(folder), entry->d_name);
	if (folder)
		closedir(folder);
}

static void sync_folder(const char *path)
{
	DIR *folder = open_folder(path);
	if (!folder)
		return;
	(void)fsync(dirfd(folder));
	closedir(folder);
}

/* -1: errno says why. */
static int open_beside(const char *path, char *beside, size_t room)
{
	for (;;) {
		struct stat about;
		snprintf(beside, room, "%s" BESIDE, path);
		int file = mkostemp(beside, O_CLOEXEC);
		if (file < 0)
			return -1;
		(void)flock(file, LOCK_EX); /* where there are no locks, no one gets one to remove it */
		if (fstat(file, &about) != 0 || about.st_nlink > 0)
			return file;
		close(file); /* removed as a rest before it was locked */
	}
}

int rename_error(const char *path, int error)
{
	struct stat about;
	return error == EBUSY && stat(path, &about) == 0 && S_ISDIR(about.st_mode) ? EISDIR : error;
}

bool bytes_write(const char *path, const void *const *parts, const size_t *sizes, size_t count,
                 char why[WHY])
{
	char beside[4096];
	if (strlen(path) + BESIDE_SIZE >= sizeof beside)
		return because(why, "the name '%.200s...' is too long", path);
	remove_rests(path);
	int file = open_beside(path, beside, sizeof beside);
	if (file < 0)
		return because(why, "cannot write '%s': %s", path, strerror(errno));
	mode_t mask = umask(0);
	umask(mask);
	bool good = true;
	for (size_t i = 0; i < count && good; i++)
		good = write_all(file, parts[i], sizes[i]);
	good = good && fchmod(file, 0666 & ~mask) == 0 && fsync(file) == 0 && rename(beside, path) == 0;
	int error = errno;
	close(file);
	if (good) {
		sync_folder(path);
		return true;
	}
	unlink(beside);
	return because(why, "cannot write '%s': %s", path, strerror(rename_error(path, error)));
}

bool file_missing(const char *path)
{
	return access(path, F_OK) != 0 && errno == ENOENT;
}

FILE *append_open(const char *path, const void *begin, size_t size, char why[WHY])
{
	if (!bytes_write(path, (const void *[]){begin}, &size, 1, why))
		return NULL;
	int file = open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	FILE *stream = file >= 0 ? fdopen(file, "a") : NULL;
	if (stream)
		return stream;
	because(why, "cannot write '%s': %s", path, strerror(errno));
	if (file >= 0)
		close(file);
	return NULL;
}
