/* fuzz_embed_restore.c: any bytes as the saved state of an emitted object, with the checksum that
 * they should have if they are as many as a state. What is refused changes nothing; what is taken
 * is saved as the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "../../runtime/embed/inner.h"
#include "../../tests/unit/embedded.h"

enum { CRC_AT = 36 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	Embedded e, before;
	unsigned char *saved = malloc(size + !size), *again = malloc(size + !size);
	memcpy(saved, bytes, size);
	if (size == embed_save_bytes(&embedded)) {
		embed_put32(saved + CRC_AT, 0);
		embed_put32(saved + CRC_AT, embed_crc(0, saved, size));
	}
	embedded_open(&e, 5, 7);
	before = e;
	int32_t code = embed_restore(&embedded, e.block, saved, size);
	if (code > 0 || (code < 0 && memcmp(&e, &before, sizeof e) != 0) || !embedded_is_intact(&e))
		abort();
	if (code == 0 &&
	    (embed_save(&embedded, e.block, again, size) || memcmp(saved, again, size) != 0))
		abort();
	free(again);
	free(saved);
	return 0;
}
