/* files.c: whole files: read at once, or replaced at once. */
#include "runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
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

unsigned char *bytes_read(const char *path, size_t limit, size_t *size, char why[WHY])
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	struct stat about;
	unsigned char *bytes = NULL;
	if (file < 0) {
		because(why, "cannot open '%s': %s", path, strerror(errno));
		return NULL;
	}
	if (fstat(file, &about) == 0 && S_ISDIR(about.st_mode))
		because(why, "'%s' is a folder", path);
	else
		bytes = read_from(file, path, limit, size, why);
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

static void sync_folder(const char *path)
{
	char *copy = strdup(path);
	int folder = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (folder >= 0) {
		(void)fsync(folder);
		close(folder);
	}
	free(copy);
}

bool bytes_write(const char *path, const void *const *parts, const size_t *sizes, size_t count,
                 char why[WHY])
{
	char beside[4096];
	if (snprintf(beside, sizeof beside, "%s.XXXXXX", path) >= (int)sizeof beside)
		return because(why, "the name '%.200s...' is too long", path);
	int file = mkostemp(beside, O_CLOEXEC);
	if (file < 0)
		return because(why, "cannot write '%s': %s", path, strerror(errno));
	mode_t mask = umask(0);
	umask(mask);
	bool good = true;
	for (size_t i = 0; i < count && good; i++)
		good = write_all(file, parts[i], sizes[i]);
	good = good && fchmod(file, 0666 & ~mask) == 0 && fsync(file) == 0;
	int error = errno;
	if (close(file) != 0 && good) {
		good = false;
		error = errno;
	}
	if (good && rename(beside, path) != 0) {
		good = false;
		error = errno;
	}
	if (good) {
		sync_folder(path);
		return true;
	}
	unlink(beside);
	return because(why, "cannot write '%s': %s", path, strerror(error));
}
