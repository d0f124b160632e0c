/* fuzz_table.c: any bytes as a table; the first one chooses the separator. */
#include <stdlib.h>
#include <string.h>

#include "../../runtime/data/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	Table t;
	char why[WHY] = "";
	if (!size)
		return 0;
	bool good = table_parse("t", bytes + 1, size - 1,
	                        (Layout){",;\t|"[bytes[0] % 4], bytes[0] >> 6}, &t, why);
	if (good == (*why != 0))
		abort();
	for (size_t row = 0; good && row < t.rows; row++)
		for (size_t c = 0; c < t.columns; c++)
			if (strlen(table_text(&t, row, c)) != table_field(&t, row, c).size)
				abort();
	table_close(&t);
	return 0;
}
