/* ops.c: prints the table of primitive operations, which is graph/ops.def itself. */
#include "command.h"

#include <stdio.h>

#include "../../compiler/graph/graph.h"

typedef struct Row {
	const char *name, *operands, *kind, *types, *gradient, *meaning;
} Row;

static const Row rows[] = {
#define OP(name, ins, operands, kind, shape, gradient, types, attr, flags, weight, along, meaning) \
	{#name, operands, #kind, #types, #gradient, meaning},
#include "../../compiler/graph/ops.def"
#undef OP
};

int command_ops(const Options *o)
{
	(void)o;
	printf("%-14s %-14s %-9s %-6s %-14s %s\n", "op", "operands", "kind", "types", "gradient",
	       "meaning");
	for (const Row *r = rows; r < rows + sizeof rows / sizeof *rows; r++)
		printf("%-14s %-14s %-9s %-6s %-14s %s\n", r->name, r->operands, r->kind, r->types,
		       r->gradient, r->meaning);
	return finish_output(EXIT_GOOD);
}
