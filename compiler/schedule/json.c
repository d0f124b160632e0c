/* json.c: kernels and the plan of memory as JSON, for other programs. Node numbers are those of the
 * last pass; buffers are numbered as in the text. */
#include "schedule.h"

#include <string.h>

static void json_nodes(Text *out, const char *key, const NodeId *at, uint32_t count)
{
	text_printf(out, ", \"%s\": [", key);
	for (uint32_t i = 0; i < count; i++)
		text_printf(out, "%s%u", i ? ", " : "", at[i]);
	text_printf(out, "]");
}

/* What it stores where its choice holds, or does not, alone. */
static void json_only(const Kernels *k, const Kernel *kernel, Text *out)
{
	const char *before = ", \"only\": [";
	for (uint32_t o = 0; o < kernel->out_count; o++) {
		bool holds = kernel->only[1] >> o & 1;
		if (!holds && !(kernel->only[0] >> o & 1))
			continue;
		text_printf(out, "%s{\"stored_in\": %u, \"buffer\": %u, \"holds\": %s}", before,
		            kernel->to[o], k->buffer_of[kernel->choice], holds ? "true" : "false");
		before = ", ";
	}
	if (kernel->choice)
		text_printf(out, "]");
}

static void json_kernels(const Kernels *k, int indent, Text *out)
{
	Compile *c = k->graph->c;
	text_printf(out, "\"kernels\": [");
	for (uint32_t i = 0; i < k->kernel_count; i++) {
		const Kernel *kernel = &k->kernel[i];
		uint32_t reads;
		const Read *read = kernel_loads(c, k, kernel, &reads);
		text_printf(out, "%s\n%*s{\"number\": %u, \"kind\": \"%s\"", i ? "," : "", indent, "", i,
		            kernel_kind(kernel));
		text_printf(out, ", \"core\": %u", kernel->core);
		json_nodes(out, "results", kernel->out, kernel->out_count);
		json_nodes(out, "stored_in", kernel->to, kernel->out_count);
		text_printf(out, ", \"reads\": [");
		for (uint32_t r = 0; r < reads; r++)
			text_printf(out, "%s%u", r ? ", " : "", k->buffer_of[read[r].node]);
		text_printf(out, "], \"tiles\": %lld, \"flops\": %.17g, \"bytes\": %.17g, \"beside\": %s",
		            (long long)kernel->tiles, kernel->flops, kernel->bytes,
		            kernel->beside ? "true" : "false");
		for (uint32_t n = 0; n < kernel->dues; n++)
			text_printf(out, "%s{\"buffer\": %u, \"holds\": %s}%s", n ? ", " : ", \"due\": [",
			            kernel->due[n].condition, kernel->due[n].holds ? "true" : "false",
			            n + 1 == kernel->dues ? "]" : "");
		json_only(k, kernel, out);
		if (kernel->hash)
			text_printf(out, ", \"code_of\": %u", kernel->same);
		if (kernel->kind == KERNEL_contract || kernel->loop) {
			text_printf(out, ", \"what\": ");
			text_json(out, kernel_text(k, kernel));
		}
		if (kernel->loop) {
			text_printf(out, ", \"body\": {");
			json_kernels(kernel->loop->body, indent + 2, out);
			text_printf(out, "}");
		}
		text_printf(out, "}");
	}
	text_printf(out, "]");
}

void kernels_json(const Kernels *k, Text *out)
{
	text_printf(out, "{\"graph\": ");
	text_json(out, k->graph->name);
	text_printf(out, ", \"stage\": \"schedule\", ");
	json_kernels(k, 2, out);
	text_printf(out, "}\n");
}

void plan_json(const Kernels *k, const Plan *p, Text *out)
{
	text_printf(out, "{\"graph\": ");
	text_json(out, k->graph->name);
	text_printf(out, ", \"stage\": \"plan\", \"peak\": %llu, \"lower_bound\": %llu, \"buffers\": [",
	            (unsigned long long)p->arena_bytes, (unsigned long long)p->lower_bound);
	bool first = true;
	for (BufferId b = 1; b < k->buffer_count; b++) {
		const Buffer *buffer = &k->buffer[b];
		if (!buffer_is_planned(buffer))
			continue;
		const Node *n = node(k->graph, buffer->node);
		text_printf(out, "%s\n  {\"buffer\": %u, \"node\": %u, \"type\": \"%s\", \"shape\": [",
		            first ? "" : ",", b, buffer->node, type_info[n->type].name);
		for (int i = 0; i < n->shape.rank; i++)
			text_printf(out, "%s%lld", i ? ", " : "", (long long)n->shape.dim[i]);
		text_printf(out, "], \"bytes\": %llu, \"offset\": %llu, \"first\": %u, \"last\": %u}",
		            (unsigned long long)buffer->bytes, (unsigned long long)buffer->offset,
		            buffer->first, buffer->last);
		first = false;
	}
	text_printf(out, "]}\n");
}
