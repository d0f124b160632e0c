/* unpack.c: files that may be compressed by gzip (RFC 1952), of one member or of several. */
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "runtime.h"

/* What is unpacked so far. */
typedef struct Unpacked {
	unsigned char *at; /* one byte more than `size` is free */
	size_t size, room, limit;
} Unpacked;

static bool reserve(Unpacked *u, char why[WHY])
{
	if (u->size < u->room)
		return true;
	if (u->room == u->limit + 1)
		return because(why, "holds more than %zu bytes", u->limit);
	size_t room = u->room ? 2 * u->room : 1 << 16;
	room = room < u->limit + 1 ? room : u->limit + 1;
	unsigned char *larger = realloc(u->at, room + 1);
	if (!larger)
		return because(why, "does not fit into memory");
	u->at = larger;
	u->room = room;
	return true;
}

/* One member, from *from on, which moves behind it. */
static bool unpack_member(z_stream *z, const unsigned char *bytes, size_t size, size_t *from,
                          Unpacked *u, char why[WHY])
{
	enum { PART = 1 << 30 }; /* zlib counts in 32 bits */
	for (int code = Z_OK; code != Z_STREAM_END;) {
		if (!reserve(u, why))
			return false;
		size_t in = size - *from, out = u->room - u->size;
		z->next_in = (Bytef *)bytes + *from;
		z->avail_in = (uInt)(in < PART ? in : PART);
		z->next_out = u->at + u->size;
		z->avail_out = (uInt)(out < PART ? out : PART);
		const uInt given = z->avail_in, free_before = z->avail_out;
		code = inflate(z, Z_NO_FLUSH);
		*from += given - z->avail_in;
		u->size += free_before - z->avail_out;
		if (code == Z_BUF_ERROR || (code == Z_OK && *from == size && z->avail_out))
			return because(why, "ends in the middle of its compressed data");
		if (code != Z_OK && code != Z_STREAM_END)
			return because(why, "is damaged: %s", z->msg ? z->msg : "it cannot be unpacked");
	}
	return true;
}

static bool is_packed(const unsigned char *bytes, size_t size)
{
	return size >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

static bool unpack(const unsigned char *bytes, size_t size, Unpacked *u, char why[WHY])
{
	z_stream z = {0};
	size_t from = 0;
	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return because(why, "does not fit into memory");
	bool good = true;
	do {
		good = inflateReset(&z) == Z_OK && unpack_member(&z, bytes, size, &from, u, why);
	} while (good && is_packed(bytes + from, size - from));
	inflateEnd(&z);
	while (good && from < size && !bytes[from]) /* padding, as gunzip has it */
		from++;
	return good &&
	       (from == size || because(why, "has %zu bytes behind its compressed data", size - from));
}

unsigned char *bytes_unpacked(const char *path, size_t limit, size_t *size, char why[WHY])
{
	size_t packed;
	char reason[WHY];
	unsigned char *bytes = bytes_read(path, limit, &packed, why);
	if (!bytes || !is_packed(bytes, packed)) {
		*size = packed;
		return bytes;
	}
	Unpacked u = {.limit = limit};
	bool good = unpack(bytes, packed, &u, reason);
	free(bytes);
	*size = u.size;
	if (good) {
		u.at[u.size] = 0;
		return u.at;
	}
	free(u.at);
	because(why, "'%.250s' %.240s", path, reason);
	return NULL;
}
