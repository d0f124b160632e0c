/* constants.c: names that the model language knows without a definition: of the training, of the data. */
#include "elaborator.h"

#include <math.h>
#include <string.h>

/* The steps done, in those that every() counts. */
static NodeId step_node(Elab *b)
{
	NodeId step = op_input(b->g, "step", DTYPE_i32, SCALAR);
	return b->period > 1 ? op_div(b->g, step, op_constant(b->g, DTYPE_i32, b->period)) : step;
}

bool constant_named(const char *name)
{
	static const char *const names[] = {
#define CONSTANT(name, value) #name,
#include "constants.def"
#undef CONSTANT
	    "step", "grad_norm", "sample_number"};
	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

bool constant_find(Elab *b, const char *name, Value *v)
{
#define CONSTANT(row, value)                                                                       \
	if (strcmp(name, #row) == 0) {                                                                 \
		*v = value_number(value);                                                                  \
		return true;                                                                               \
	}
#include "constants.def"
#undef CONSTANT
	if (strcmp(name, "step") == 0) {
		*v = b->in_init ? value_number(0)
		                : value_tensor(op_cast(b->g, step_node(b), (DType)b->c->float_type));
		return true;
	}
	if (strcmp(name, "sample_number") == 0 && b->samples && !b->in_init) {
		*v = value_tensor(op_input(b->g, name, DTYPE_i32, SHAPE(b->samples)));
		return true;
	}
	if (strcmp(name, "grad_norm") == 0 && b->grad_norm && b->period > 1) {
		elab_error(b, b->call ? b->call->span : (Span){0},
		           "grad_norm is of the gradients of one step, not of what 'every' gathers");
		diag_help(b->c->diags, "sqrt(total(sum(g^2))) is the norm of what was gathered");
		*v = value_none();
		return true;
	}
	if (strcmp(name, "grad_norm") == 0 && b->grad_norm) {
		*v = value_tensor(b->grad_norm);
		return true;
	}
	return false;
}
