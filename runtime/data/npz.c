/* npz.c: NumPy's .npz (numpy.savez, savez_compressed): a zip archive in which each file NAME.npy is the array NAME.
 *
 * By minizip, of zlib's authors, whose CRC is checked. What is inflated never becomes more than the array's own header
 * says, and memory grows with what has come. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <minizip/unzip.h>

#include "data.h"

enum { LONGEST_NAME = 256, PIECE = 1 << 20 };

/* -- The archive ------------------------------------------------------------------------------- */

static voidpf give_stream(voidpf stream, const void *name, int mode)
{
	(void)name;
	(void)mode;
	return stream;
}

/* An archive of nothing is its end alone, which minizip takes for none. */
static bool is_empty(FILE *stream)
{
	char begin[4];
	bool empty = fread(begin, 1, sizeof begin, stream) == sizeof begin &&
	             memcmp(begin, "PK\5\6", sizeof begin) == 0;
	rewind(stream);
	return empty;
}

/* Takes the stream over. */
static unzFile open_archive(FILE *stream, char why[WHY])
{
	if (is_empty(stream)) {
		fclose(stream);
		(void)because(why, "holds no array: save them by name, numpy.savez(path, x=x)");
		return NULL;
	}
	zlib_filefunc64_def by;
	fill_fopen64_filefunc(&by);
	by.zopen64_file = give_stream;
	by.opaque = stream;
	unzFile zip = unzOpen2_64("", &by);
	if (!zip)
		because(why, "is no .npz archive, or is cut off: save it with numpy.savez");
	return zip;
}

/* The array that the current file holds; false: it is none. */
static bool array_name(unzFile zip, unz_file_info64 *about, char name[LONGEST_NAME])
{
	if (unzGetCurrentFileInfo64(zip, about, name, LONGEST_NAME, NULL, 0, NULL, 0) != UNZ_OK ||
	    about->size_filename >= LONGEST_NAME || strlen(name) != about->size_filename)
		return false;
	size_t size = strlen(name);
	if (size <= 4 || strcmp(name + size - 4, ".npy") != 0)
		return false;
	name[size - 4] = 0;
	return true;
}

/* Makes the array's file the current one. */
static bool find_array(unzFile zip, const char *wanted, char why[WHY])
{
	unz64_file_pos place;
	unz_file_info64 about;
	char name[LONGEST_NAME], list[160] = "";
	int found = 0, code = unzGoToFirstFile(zip);
	for (; code == UNZ_OK; code = unzGoToNextFile(zip)) {
		if (!array_name(zip, &about, name))
			continue;
		size_t used = strlen(list);
		snprintf(list + used, sizeof list - used, "%s%.60s", *list ? ", " : "", name);
		if (strcmp(name, wanted) == 0 && found++ == 0 && unzGetFilePos64(zip, &place) != UNZ_OK)
			break;
	}
	if (code != UNZ_END_OF_LIST_OF_FILE)
		return because(why, "has a damaged list of files");
	if (found > 1)
		return because(why, "holds %d arrays named '%.60s'", found, wanted);
	if (!found)
		return because(why,
		               *list ? "holds no array named '%.60s', but %s" : "holds no array '%.60s'",
		               wanted, list);
	return unzGoToFilePos64(zip, &place) == UNZ_OK || because(why, "has a damaged list of files");
}

/* -- An array ---------------------------------------------------------------------------------- */

typedef struct Bytes {
	unsigned char *at;
	size_t size, room;
} Bytes;

/* Inflates until there are `want` bytes, or no more. */
static bool inflate_to(unzFile zip, Bytes *b, size_t want, char why[WHY])
{
	while (b->size < want) {
		if (b->size == b->room) {
			size_t room = b->room ? 2 * b->room : NPY_BEGIN;
			room = room < want && room < PIECE ? (want < PIECE ? want : PIECE) : room;
			room = room < want ? room : want;
			unsigned char *at = realloc(b->at, room);
			if (!at)
				return because(why, "does not fit into memory");
			b->at = at;
			b->room = room;
		}
		size_t piece = b->room - b->size < INT32_MAX ? b->room - b->size : INT32_MAX;
		int got = unzReadCurrentFile(zip, b->at + b->size, (unsigned)piece);
		if (got < 0)
			return because(why, "is damaged, or cut off");
		if (got == 0)
			return true;
		b->size += (size_t)got;
	}
	return true;
}

/* No more than its header says; one byte more would be too many. */
static bool inflate_array(unzFile zip, Bytes *b, char why[WHY])
{
	size_t want = NPY_BEGIN, whole = 0;
	while (want != whole) {
		if (!inflate_to(zip, b, want, why))
			return false;
		whole = want;
		if (b->size < want)
			return true; /* npy_parse says what is missing */
		if (!npy_extent(b->at, b->size, &want, why))
			return false;
	}
	unsigned char more;
	int got = unzReadCurrentFile(zip, &more, 1);
	return got == 0 || because(why, got < 0 ? "is damaged, or cut off"
	                                        : "holds more bytes of values than its header says");
}

static bool read_current(unzFile zip, Array *out, char why[WHY])
{
	Bytes b = {0};
	unz_file_info64 about;
	char name[LONGEST_NAME];
	if (!array_name(zip, &about, name))
		return because(why, "has a damaged list of files");
	if (about.flag & 1)
		return because(why, "is encrypted");
	if (about.compression_method != 0 && about.compression_method != Z_DEFLATED)
		return because(why,
		               "is compressed by method %lu; 0 and 8 can be read, as numpy writes them",
		               about.compression_method);
	if (unzOpenCurrentFile(zip) != UNZ_OK)
		return because(why, "is damaged where it begins");
	bool good = inflate_array(zip, &b, why);
	int code = unzCloseCurrentFile(zip);
	if (good && code != UNZ_OK)
		good = because(why, code == UNZ_CRCERROR ? "is damaged: its checksum is another"
		                                         : "is damaged, or cut off");
	good = good && npy_parse(b.at ? b.at : (unsigned char *)"", b.size, out, why);
	free(b.at);
	return good;
}

static bool read_array(FILE *stream, const char *name, Array *out, char why[WHY])
{
	char reason[WHY];
	*out = (Array){0};
	unzFile zip = open_archive(stream, why);
	if (!zip)
		return false;
	bool found = find_array(zip, name, why), good = found && read_current(zip, out, reason);
	(void)unzClose(zip);
	return good || (found && because(why, "has an array '%.60s' that %.250s", name, reason));
}

bool npz_parse(const void *bytes, size_t size, const char *name, Array *out, char why[WHY])
{
	FILE *stream = fmemopen((void *)bytes, size, "r");
	return stream ? read_array(stream, name, out, why) : because(why, "is empty");
}

bool npz_read(const char *path, const char *name, Array *out, char why[WHY])
{
	char reason[WHY];
	int file = file_open(path, why);
	if (file < 0)
		return false;
	FILE *stream = fdopen(file, "rb");
	if (!stream) {
		close(file);
		return because(why, "cannot open '%.300s': %s", path, strerror(errno));
	}
	return read_array(stream, name, out, reason) || because(why, "'%.150s' %.300s", path, reason);
}
