/* text.c: growing strings, numbers as the shortest text that reads back, and whole files read or
 * replaced at once. */
#include "base.h"

#include "../../runtime/plain.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void text_room(Text *t, size_t more)
{
	if (more < t->capacity && t->size < t->capacity - more)
		return;
	size_t capacity = 2 * t->capacity > t->size + more + 1 ? 2 * t->capacity : t->size + more + 64;
	char *data = capacity > t->size ? realloc(t->data, capacity) : NULL;
	if (!data)
		BUG("out of memory for a text of %zu bytes", t->size);
	t->data = data;
	t->capacity = capacity;
}

void text_add(Text *t, const char *bytes, size_t size)
{
	text_room(t, size);
	if (size)
		memcpy(t->data + t->size, bytes, size);
	t->size += size;
	t->data[t->size] = 0;
}

void text_printf(Text *t, const char *format, ...)
{
	va_list args;
	locale_t before = plain_begin();
	va_start(args, format);
	int size = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (size < 0)
		BUG("bad format '%s'", format);
	text_room(t, (size_t)size + 1);
	va_start(args, format);
	vsnprintf(t->data + t->size, (size_t)size + 1, format, args);
	va_end(args);
	plain_end(before);
	t->size += (size_t)size;
}

void text_close(Text *t)
{
	free(t->data);
	*t = (Text){0};
}

void text_number(Text *t, double value, bool is_float)
{
	char buffer[64];
	if (isnan(value)) {
		text_printf(t, "nan");
		return;
	}
	if (isinf(value)) {
		text_printf(t, value < 0 ? "-inf" : "inf");
		return;
	}
	if (value == rint(value) && fabs(value) < 1e7) {
		text_printf(t, "%.0f", value); /* -0 prints as -0 */
		return;
	}
	locale_t before = plain_begin();
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(buffer, sizeof buffer, "%.*g", digits, value);
		if (is_float ? strtof(buffer, NULL) == (float)value : strtod(buffer, NULL) == value)
			break;
	}
	plain_end(before);
	text_printf(t, "%s", buffer);
}

double text_to_number(const char *text, char **end)
{
	locale_t before = plain_begin();
	double value = strtod(text, end);
	plain_end(before);
	return value;
}

void text_json(Text *t, const char *text)
{
	text_printf(t, "\"");
	for (const char *p = text; *p; p++) {
		if (*p == '"' || *p == '\\')
			text_printf(t, "\\%c", *p);
		else if ((unsigned char)*p < ' ')
			text_printf(t, "\\u%04x", (unsigned)*p);
		else
			text_add(t, p, 1);
	}
	text_printf(t, "\"");
}

void text_dot(Text *t, const char *text)
{
	text_printf(t, "\"");
	for (const char *p = text; *p; p++) {
		if (*p == '"' || *p == '\\')
			text_printf(t, "\\%c", *p);
		else if (*p == '\n')
			text_printf(t, "\\n");
		else
			text_add(t, p, 1);
	}
	text_printf(t, "\"");
}

/* -- Characters -------------------------------------------------------------------------------- */

size_t utf8_bytes(const char *at, size_t left)
{
	const unsigned char *s = (const unsigned char *)at;
	if (!left)
		return 0;
	size_t size = s[0] < 0x80                   ? 1
	              : s[0] >= 0xC2 && s[0] < 0xE0 ? 2
	              : (s[0] & 0xF0) == 0xE0       ? 3
	              : s[0] >= 0xF0 && s[0] < 0xF5 ? 4
	                                            : 0;
	if (size > left)
		return 0;
	for (size_t i = 1; i < size; i++)
		if ((s[i] & 0xC0) != 0x80)
			return 0;
	/* neither longer than need be, nor half of a pair, nor beyond the last (RFC 3629) */
	if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
	    (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
		return 0;
	return size;
}

static bool is_control(const char *at)
{
	unsigned char c = (unsigned char)at[0], next = c ? (unsigned char)at[1] : 0;
	return c < ' ' || c == 0x7F || (c == 0xC2 && next >= 0x80 && next < 0xA0);
}

const char *control_in(const char *text, bool space)
{
	for (; *text; text++)
		if (is_control(text) && !(space && strchr("\t\n\r", *text)))
			return text;
	return NULL;
}

void put_shown(FILE *out, const char *text)
{
	enum { LONGEST = 2000 };
	size_t left = strlen(text);
	bool cut = left > LONGEST;
	left = cut ? LONGEST - 500 : left;
	while (left) {
		size_t bytes = utf8_bytes(text, left);
		if (bytes && !is_control(text))
			fwrite(text, 1, bytes, out);
		else
			fprintf(out, "\\x%02x", (unsigned char)*text);
		bytes = bytes && !is_control(text) ? bytes : 1;
		text += bytes;
		left -= bytes;
	}
	if (cut)
		fputs("...", out);
}

/* -- Files ------------------------------------------------------------------------------------- */

static bool failed(char why[128], const char *text)
{
	snprintf(why, 128, "%s", text);
	return false;
}

static bool read_all(int file, size_t limit, Text *out, char why[128])
{
	for (;;) {
		char block[1 << 16];
		ssize_t got = read(file, block, sizeof block);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return failed(why, strerror(errno));
		if (got == 0)
			return true;
		if ((size_t)got > limit - out->size) {
			snprintf(why, 128, "is larger than %zu bytes", limit);
			return false;
		}
		text_add(out, block, (size_t)got);
	}
}

bool file_read(const char *path, size_t limit, Text *out, char why[128])
{
	/* a pipe that nobody writes to must not be waited for */
	int file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (file < 0)
		return failed(why, strerror(errno));
	struct stat about;
	text_add(out, "", 0);
	bool good = fstat(file, &about) != 0  ? failed(why, strerror(errno))
	            : S_ISDIR(about.st_mode)  ? failed(why, "is a directory")
	            : !S_ISREG(about.st_mode) ? failed(why, "is no regular file")
	                                      : read_all(file, limit, out, why);
	close(file);
	return good;
}

bool write_all(int file, const char *bytes, size_t size)
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

/* Makes the rename itself durable; a file system that cannot is none of our business. */
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

bool file_write(const char *path, const void *bytes, size_t size, char why[128])
{
	size_t room = strlen(path) + 16;
	char *beside = malloc(room);
	if (!beside)
		return failed(why, "out of memory");
	snprintf(beside, room, "%s.XXXXXX", path);
	int file = mkostemp(beside, O_CLOEXEC);
	if (file < 0) {
		free(beside);
		return failed(why, strerror(errno));
	}
	mode_t mask = umask(0);
	umask(mask);
	bool good = write_all(file, bytes, size) && fchmod(file, 0666 & ~mask) == 0 && fsync(file) == 0;
	int error = errno;
	if (close(file) != 0 && good) {
		good = false;
		error = errno;
	}
	if (good && rename(beside, path) != 0) {
		good = false;
		error = errno;
	}
	if (good)
		sync_folder(path);
	else
		unlink(beside);
	free(beside);
	return good || failed(why, strerror(error));
}
