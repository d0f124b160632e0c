/* fuzz_gzip.c: any bytes as a gzip file, and as one of IDX; and packed by us, when what is read must be what
 * idx_parse makes of the bytes. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <zlib.h>

#include "../../runtime/runtime.h"

static bool read_as_file(const void *bytes, size_t size, Array *out, char why[WHY])
{
	char path[64];
	int file = memfd_create("idx", MFD_CLOEXEC);
	if (file < 0 || write(file, bytes, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	bool good = idx_read(path, out, why);
	close(file);
	return good;
}

/* What is packed twice is unpacked once, and damaged bytes are refused with words. */
static void unpack_as_file(const void *bytes, size_t size, const uint8_t *plain, size_t plain_size)
{
	char path[64], why[WHY] = "";
	size_t got;
	int file = memfd_create("packed", MFD_CLOEXEC);
	if (file < 0 || write(file, bytes, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	unsigned char *unpacked = bytes_unpacked(path, 1 << 18, NULL, &got, why);
	close(file);
	if (unpacked ? *why != 0 : !*why)
		abort();
	if (plain && (!unpacked || got != plain_size || memcmp(unpacked, plain, got) != 0))
		abort();
	free(unpacked);
}

static size_t pack(const uint8_t *bytes, size_t size, uint8_t *to, size_t room)
{
	z_stream z = {.next_in = (Bytef *)bytes, .avail_in = (uInt)size, .next_out = to};
	z.avail_out = (uInt)room;
	if (deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
	    deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort();
	size_t packed = z.total_out;
	deflateEnd(&z);
	return packed;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static uint8_t packed[1 << 18];
	Array a = {0}, b = {0};
	char why[WHY];
	if (size > 1 << 17)
		return 0;
	if (read_as_file(bytes, size, &a, why))
		free(a.at);
	unpack_as_file(bytes, size, NULL, 0);
	unpack_as_file(packed, pack(bytes, size, packed, sizeof packed), bytes, size);
	bool plain = idx_parse(bytes, size, &a, why);
	bool good = read_as_file(packed, pack(bytes, size, packed, sizeof packed), &b, why);
	if (plain != good)
		abort();
	if (good && (array_size(&a) != array_size(&b) ||
	             memcmp(a.at, b.at, (size_t)array_size(&a) * type_bytes(a.type)) != 0))
		abort();
	if (good) {
		free(a.at);
		free(b.at);
	}
	return 0;
}
