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

#define NUMBERS(is)                                                                                \
	is(training, b->training && !b->in_init) is(steps, fmax(1, floor(b->steps / b->period)))       \
	    is(epoch_steps, fmax(1, floor(b->epoch_steps / b->period))) is(batch, b->batch)            \
	        is(sample_count, (double)b->bundle->data.train_count)                                  \
	            is(classes, (double)b->bundle->data.classes)                                       \
	                is(vocab, (double)b->bundle->data.vocab)                                       \
	                    is(precision, b->c->dot_type == DTYPE_bf16    ? 16                         \
	                                  : b->c->float_type == DTYPE_f64 ? 64                         \
	                                                                  : 32)                        \
	                        is(exported, b->c->exported) is(pi, 3.14159265358979323846)

bool constant_named(const char *name)
{
#define NAME(name, value) #name,
	static const char *const names[] = {NUMBERS(NAME) "step", "grad_norm", "sample_number"};
#undef NAME
	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

bool constant_find(Elab *b, const char *name, Value *v)
{
#define NUMBER(name, value) {#name, value},
	const struct {
		const char *name;
		double value;
	} numbers[] = {NUMBERS(NUMBER)};
#undef NUMBER
	for (size_t i = 0; i < COUNT(numbers); i++)
		if (strcmp(numbers[i].name, name) == 0) {
			*v = value_number(numbers[i].value);
			return true;
		}
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
		diag_help(b->c->diags, "put every() inside: clipped(1, accumulate(4, adam))");
		*v = value_none();
		return true;
	}
	if (strcmp(name, "grad_norm") == 0 && b->grad_norm) {
		*v = value_tensor(b->grad_norm);
		return true;
	}
	return false;
}
