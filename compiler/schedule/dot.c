/* dot.c: kernels and the plan of memory for Graphviz. */
#include "schedule.h"

void kernels_dot(const Kernels *k, Text *out)
{
	Compile *c = k->graph->c;
	uint32_t *writer = new_array(c->arena, uint32_t, k->buffer_count);
	Read *read = new_array(c->arena, Read, k->graph->count);
	text_printf(out, "digraph \"%s\" {\n  node [shape=box, fontname=monospace];\n", k->graph->name);
	for (uint32_t i = 0; i < k->kernel_count; i++) {
		const Kernel *kernel = &k->kernel[i];
		text_printf(out, "  k%u [label=\"@%u %s", i, i, kernel_kind(kernel));
		for (uint32_t o = 0; o < kernel->out_count; o++)
			text_printf(out, "\\n%s",
			            shape_text(c->arena, node(k->graph, kernel->out[o])->type,
			                       node(k->graph, kernel->out[o])->shape));
		text_printf(out, "\"];\n");
		uint32_t reads = kernel_reads(c, k, kernel, read);
		for (uint32_t r = 0; r < reads; r++)
			if (writer[k->buffer_of[read[r].node]])
				text_printf(out, "  k%u -> k%u;\n", writer[k->buffer_of[read[r].node]] - 1, i);
		for (uint32_t o = 0; o < kernel->out_count; o++)
			writer[kernel->to[o]] = i + 1;
	}
	text_printf(out, "}\n");
}

/* A row a kernel, in their order, beside the buffers of the arena that it writes and reads. */
void plan_dot(const Kernels *k, const Plan *p, Text *out)
{
	Compile *c = k->graph->c;
	text_printf(out, "digraph \"%s\" {\n  node [shape=box, fontname=monospace];\n", k->graph->name);
	text_printf(out, "  label=\"peak %llu bytes, lower bound %llu\";\n",
	            (unsigned long long)p->arena_bytes, (unsigned long long)p->lower_bound);
	for (BufferId b = 1; b < k->buffer_count; b++) {
		const Buffer *buffer = &k->buffer[b];
		const Node *n = node(k->graph, buffer->node);
		if (!buffer_is_planned(buffer))
			continue;
		text_printf(out, "  b%u [label=\"b%u %s\\n%llu bytes at %llu\", shape=cylinder];\n", b, b,
		            shape_text(c->arena, n->type, n->shape), (unsigned long long)buffer->bytes,
		            (unsigned long long)buffer->offset);
	}
	for (uint32_t i = 0; i < k->kernel_count; i++) {
		const Kernel *kernel = &k->kernel[i];
		uint32_t reads;
		const Read *read = kernel_loads(c, k, kernel, &reads);
		text_printf(out, "  k%u [label=", i);
		const char *what = kernel_text(k, kernel);
		text_dot(out, arena_printf(c->arena, "@%u %s%s%s\ntiles %lld", i, kernel_kind(kernel),
		                           *what ? "  " : "", what, (long long)kernel->tiles));
		text_printf(out, "];\n");
		if (i)
			text_printf(out, "  k%u -> k%u [style=dotted];\n", i - 1, i);
		for (uint32_t r = 0; r < reads; r++)
			if (buffer_is_planned(&k->buffer[k->buffer_of[read[r].node]]))
				text_printf(out, "  b%u -> k%u;\n", k->buffer_of[read[r].node], i);
		for (uint32_t o = 0; o < kernel->out_count; o++)
			if (buffer_is_planned(&k->buffer[kernel->to[o]]))
				text_printf(out, "  k%u -> b%u;\n", i, kernel->to[o]);
	}
	text_printf(out, "}\n");
}
