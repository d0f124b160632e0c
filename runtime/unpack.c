/* unpack.c: files that may be compressed by gzip (RFC 1952), of one member or of several. */
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "runtime.h"

/* What is unpacked so far. */
typedef struct Unpacked {
	unsigned char *at; /* one byte more than `size` is free */
	size_t size, room, limit;
	const FileHeader *header; /* is asked for a limit once its bytes are there; then NULL */
	bool bounded;             /* by a header: what is beyond stays packed */
} Unpacked;

static bool is_enough(const Unpacked *u)
{
	return u->bounded && u->size == u->limit + 1;
}

static bool ask_header(Unpacked *u, char why[WHY])
{
	size_t says = u->header->whole(u->at, u->size, why);
	u->limit = says < u->limit ? says : u->limit;
	if (u->size > u->limit) /* too much has come already */
		u->limit = u->size - 1;
	u->header = NULL;
	u->bounded = true;
	return says > 0;
}

static bool reserve(Unpacked *u, char why[WHY])
{
	if (u->size < u->room)
		return true;
	if (u->header && u->size && !ask_header(u, why))
		return false;
	if (is_enough(u))
		return true;
	if (u->room == u->limit + 1)
		return because(why, "holds more than %zu bytes", u->limit);
	size_t least = u->header ? u->header->size : 1 << 16,
	       room = 2 * u->room > least ? 2 * u->room : least;
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
		if (is_enough(u))
			break;
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
	} while (good && !is_enough(u) && is_packed(bytes + from, size - from));
	inflateEnd(&z);
	if (good && is_enough(u))
		return true;
	while (good && from < size && !bytes[from]) /* padding, as gunzip has it */
		from++;
	return good &&
	       (from == size || because(why, "has %zu bytes behind its compressed data", size - from));
}

unsigned char *bytes_unpacked(const char *path, size_t limit, const FileHeader *header,
                              size_t *size, char why[WHY])
{
	size_t packed;
	char reason[WHY];
	unsigned char *bytes = bytes_read(path, limit, &packed, why);
	if (!bytes || !is_packed(bytes, packed)) {
		*size = packed;
		return bytes;
	}
	Unpacked u = {.limit = limit, .header = header};
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
