/* views.c: what of a model can be looked at beside its data: the function "views".
 *
 * In: the values that were named while the loss was built: those of "pretext" (augmented views), the
 * named values of a "loss" that is an object, and what its networks give (reconstructions). Out: a
 * function with each of them that has one part a sample: of "pretext" in any shape, else as large as
 * the data itself. It is the graph of the loss with other outputs: no more is elaborated for it. */
#include "elaborator.h"

#include <string.h>

enum { MAX_VIEWS = 32 };

struct View {
	const char *name;
	NodeId node;
	bool any_shape;
};

void views_begin(Elab *b)
{
	b->view = new_array(b->c->arena, View, MAX_VIEWS);
	b->views = 0;
}

void view_note(Elab *b, const char *name, const Value *v, bool any_shape)
{
	if (!b->view || b->task || b->in_init || v->kind != VALUE_TENSOR || b->views == MAX_VIEWS)
		return;
	for (size_t i = 0; i < b->views; i++)
		if (b->view[i].node == v->node)
			return;
	b->view[b->views++] = (View){name, v->node, any_shape};
}

/* The axes without those of length 1. */
static Shape squeezed(Shape s)
{
	Shape to = {0};
	for (int i = 0; i < s.rank; i++)
		if (s.dim[i] != 1 || i == 0)
			to.dim[to.rank++] = s.dim[i];
	return to;
}

/* Of the shape of the data, or that in one row. */
static bool like_data(Shape s, Shape x)
{
	Shape flat = shape_of(2, (int64_t[]){x.dim[0], x.dim[0] ? shape_size(x) / x.dim[0] : 0});
	return shape_equal(squeezed(s), squeezed(x)) || shape_equal(s, flat);
}

/* "decoder", and of a second one "decoder 2". */
static const char *name_of(const Elab *b, size_t view)
{
	size_t twins = 1;
	for (size_t i = 0; i < view; i++)
		twins += strcmp(b->view[i].name, b->view[view].name) == 0;
	return twins == 1 ? b->view[view].name
	                  : arena_printf(b->c->arena, "%s %zu", b->view[view].name, twins);
}

Graph *views_end(Elab *b)
{
	Graph *g = new (b->c->arena, Graph);
	const Value *x = b->view ? scope_find(data_scope(b, b->bundle->batch), "x") : NULL;
	size_t kept = 0;
	for (size_t i = 0; x && i < b->views; i++) {
		const Node *n = node(b->g, b->view[i].node);
		bool fits = n->shape.rank > 1 && n->shape.dim[0] == b->bundle->batch &&
		            (b->view[i].any_shape || like_data(n->shape, node(b->g, x->node)->shape));
		if (!fits || b->view[i].node == x->node)
			continue;
		b->view[kept] = b->view[i];
		b->view[kept++].node = op_cast(b->g, b->view[i].node, (DType)b->c->float_type);
	}
	*g = *b->g;
	g->name = "views";
	g->out = NULL;
	g->out_count = g->out_capacity = 0;
	b->views = kept;
	for (size_t i = 0; i < kept; i++)
		graph_output(g, name_of(b, i), b->view[i].node);
	b->view = NULL;
	return g->out_count ? g : NULL;
}
