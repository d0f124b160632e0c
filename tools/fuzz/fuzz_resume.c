/* fuzz_resume.c: any bytes as the __metadata__ of a checkpoint without tensors; a position that is
 * read from it is one that a run can have. */
#include <stdlib.h>
#include <string.h>

#include "../../runtime/train/train.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char before[] = "{\"__metadata__\":", after[] = "}";
	uint64_t header = sizeof before - 1 + size + sizeof after - 1;
	char *file = malloc(8 + header), why[WHY];
	SafeFile parsed;
	if (!file)
		return 0;
	memcpy(file, &header, 8);
	memcpy(file + 8, before, sizeof before - 1);
	memcpy(file + 8 + sizeof before - 1, bytes, size);
	memcpy(file + 8 + header - 1, after, 1);
	if (!safe_parse(file, 8 + header, &parsed, why))
		return 0;
	Position at = {0};
	uint64_t train_count;
	Failure f = {0};
	bool good = checkpoint_position(&parsed, "checkpoint", &at, &train_count, &f);
	if (good && (at.step < 0 || at.step > at.steps || at.steps > INT32_MAX))
		abort();
	if (!good && (!f.kind || !f.text[0]))
		abort();
	safe_close(&parsed);
	return 0;
}
