/* once.c: what is found once for a pixel, and all channels of it share.
 *
 * A value with several users is stored, unless it is cheap. Where all its uses end in one kernel of
 * pixels, each at the pixel that it belongs to, that kernel computes it once: the places that a rotated
 * image is read at, and the shares of what is read there. Codegen does all channels of a pixel together
 * (kernel_map.c), and remembers what it has made of it. */
#include "fuse.h"

enum {
	CHANNELS = 4,
	MOST_NODES = 128, /* that end in a kernel, as its code is one straight line */
	SEVERAL = UINT32_MAX,
};

static bool is_few(Shape s)
{
	return s.rank > 1 && s.dim[s.rank - 1] <= CHANNELS;
}

/* Whether n reads of operand i the element that it is itself at, or, `*channels`, that of its pixel. */
static bool same_pixel(const Graph *g, const Node *n, int i, bool *channels)
{
	Shape s = node(g, n->in[i])->shape;
	*channels = op_info[n->op].kind != MAP;
	if (n->op == OP_gather)
		return i == 1 && n->attr.axis == 0 && n->shape.rank == s.rank + 1 && is_few(n->shape);
	if (n->op != OP_broadcast)
		return !*channels;
	bool same = n->shape.rank == s.rank + 1 && is_few(n->shape);
	for (int a = 0; same && a < s.rank; a++)
		same = n->attr.axes.at[a] == a && s.dim[a] == n->shape.dim[a];
	return same;
}

void fuse_once(Fuse *f)
{
	const Graph *g = f->g;
	if (f->c->machine->bare)
		return; /* channels are done one by one there */
	uint32_t *nodes = new_array(f->c->arena, uint32_t, g->count);
	bool *pixels = /* there is a step to channels behind it */
	    new_array(f->c->arena, bool, g->count);
	for (NodeId x = g->count - 1; x > 0; x--) {
		const Node *n = node(g, x);
		bool own = f->must_store[x] || f->end[x] == 0 || f->end[x] == SEVERAL;
		f->end[x] = own ? x : f->end[x];
		pixels[x] = pixels[x] && !own;
		nodes[f->end[x]]++;
		for (int i = 0; i < n->count; i++) {
			NodeId o = n->in[i];
			bool channels, same = same_pixel(g, n, i, &channels);
			NodeId end = same ? f->end[x] : SEVERAL;
			f->end[o] = f->end[o] == 0 || f->end[o] == end ? end : SEVERAL;
			pixels[o] |= channels || pixels[x];
		}
	}
	for (NodeId x = 1; x < g->count; x++) {
		NodeId end = f->end[x];
		bool stored =
		    f->must_store[end] || (f->uses[end] > 1 && op_info[node(g, end)->op].kind == MAP);
		f->once[x] = op_info[node(g, x)->op].kind == MAP && end != x && pixels[x] && stored &&
		             f->uses[x] > 1 && nodes[end] <= MOST_NODES;
	}
}
