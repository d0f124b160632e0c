/* scan.c: the regions of scans: which input of the body is which operand, copies, more results. */
#include "graph.h"

#include <string.h>

const char *region_input(Arena *a, const Region *r, int i)
{
	uint32_t n = (uint32_t)i;
	if (n < r->carries)
		return arena_printf(a, "carry%u", n);
	n -= r->carries;
	return n < r->sequences ? arena_printf(a, "each%u", n)
	                        : arena_printf(a, "of%u", n - r->sequences);
}

/* The number behind `prefix`, as region_input writes it; -1: it is not that. */
static int number_behind(const char *name, const char *prefix)
{
	size_t size = strlen(prefix);
	if (strncmp(name, prefix, size) != 0 || !name[size] || (name[size] == '0' && name[size + 1]))
		return -1;
	int number = 0;
	for (const char *p = name + size; *p; p++) {
		if (*p < '0' || *p > '9' || number > MOST_INS)
			return -1;
		number = number * 10 + (*p - '0');
	}
	return number;
}

int region_operand(const Region *r, int count, const char *name)
{
	int carries = (int)r->carries, sequences = (int)r->sequences;
	int carry = number_behind(name, "carry"), each = number_behind(name, "each"),
	    of = number_behind(name, "of");
	if (carry >= 0)
		return carry < carries ? carry : -1;
	if (each >= 0)
		return each < sequences ? carries + each : -1;
	return of >= 0 && of < count - carries - sequences ? carries + sequences + of : -1;
}

Shape region_input_shape(const Region *r, int i, Shape operand)
{
	uint32_t n = (uint32_t)i;
	if (n < r->carries || n >= r->carries + r->sequences)
		return operand;
	return shape_of(operand.rank - 1, operand.dim + 1);
}

Shape shape_with_steps(int64_t steps, Shape s)
{
	Shape to = {.rank = (uint8_t)(s.rank + 1)};
	if (s.rank == MAX_RANK)
		return (Shape){.rank = UINT8_MAX};
	to.dim[0] = steps;
	memcpy(to.dim + 1, s.dim, s.rank * sizeof *s.dim);
	return to;
}

Region *region_copy(Compile *c, const Region *r)
{
	Region *copy = new (c->arena, Region);
	*copy = *r;
	copy->body = graph_copy(c, r->body);
	return copy;
}

uint32_t region_result(Graph *g, NodeId scan, NodeId of_body)
{
	const Region *r = node(g, scan)->attr.region;
	for (uint32_t i = 0; i < r->body->out_count; i++)
		if (r->body->out[i].value == of_body)
			return i;
	graph_output(r->body, arena_printf(g->c->arena, "result%u", r->body->out_count), of_body);
	return r->body->out_count - 1;
}
