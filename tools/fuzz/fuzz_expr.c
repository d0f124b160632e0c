/* fuzz_expr.c: any bytes as the text of an expression; what parses must print and parse again to
 * the same print. */
#include <stdlib.h>
#include <string.h>

#include "../../compiler/parse/parse.h"

static Expr *parse_text(Compile *c, const char *text, size_t size)
{
	char *quoted = arena_printf(c->arena, "\"%.*s\"", (int)size, text);
	Json json = {.kind = JSON_STRING, .text = arena_copy(c->arena, text, size)};
	json.span = (Span){diags_file(c->diags, "expression", quoted, strlen(quoted)), 0,
	                   (uint32_t)strlen(quoted)};
	return expr_parse(c, &json);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size > 1 << 16 || memchr(bytes, 0, size) || memchr(bytes, '\\', size) ||
	    memchr(bytes, '"', size))
		return 0;
	Compile c = {.arena = arena_open(0)};
	c.diags = diags_open(c.arena);
	Expr *e = parse_text(&c, (const char *)bytes, size);
	Text once = {0}, twice = {0};
	if (e) {
		expr_print(e, &once);
		Expr *again = parse_text(&c, once.data, once.size);
		if (again)
			expr_print(again, &twice);
		/* a printed expression may nest deeper than the parser allows, but never reads as another
		 * one */
		if (again && strcmp(once.data, twice.data) != 0)
			abort();
	}
	text_close(&once);
	text_close(&twice);
	arena_close(c.arena);
	return 0;
}
