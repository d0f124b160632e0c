/* reader.c: the call of a reader that a model's "data" is -> the same as the runtime takes it, in plain tables. */
#include "program.h"

#include <string.h>

static sslc_argument to_argument(const Arg *arg)
{
	const Expr *e = arg->value;
	double sign = 1;
	if (e->kind == EXPR_CALL && e->is_operator && strcmp(e->text, "neg") == 0) {
		sign = -1;
		e = e->arg[0].value;
	}
	return (sslc_argument){
	    .name = arg->name,
	    .text = e->kind == EXPR_TEXT ? e->text : NULL,
	    .number = e->kind == EXPR_NUMBER ? sign * e->number : 0,
	};
}

static bool is_call(const Expr *e)
{
	return e->kind == EXPR_CALL && !e->is_operator && e->callee->kind == EXPR_NAME;
}

static bool is_negative(const Expr *e)
{
	return e->kind == EXPR_CALL && e->is_operator && strcmp(e->text, "neg") == 0 &&
	       e->arg[0].value->kind == EXPR_NUMBER;
}

/* A reader's name and arguments, which are plain, or calls of readers; or an error. */
static bool read_call(sslc_program *p, const Expr *e, sslc_call *to)
{
	sslc_argument *argument = new_array(p->c.arena, sslc_argument, e->count + 1);
	*to = (sslc_call){.name = is_call(e) ? e->callee->text : e->text, .argument = argument};
	for (size_t i = 0; is_call(e) && i < e->count; i++) {
		const Expr *value = e->arg[i].value;
		argument[to->count++] = to_argument(&e->arg[i]);
		if (is_call(value)) {
			sslc_call *inner = new (p->c.arena, sslc_call);
			argument[i].call = inner;
			if (!read_call(p, value, inner))
				return false;
		} else if (value->kind != EXPR_NUMBER && value->kind != EXPR_TEXT && !is_negative(value)) {
			diag_error(p->c.diags, value->span,
			           "an argument of a reader is a number or a text in single quotes");
			return false;
		}
	}
	return true;
}

bool reader_read(sslc_program *p, const Expr *e)
{
	if (!is_call(e) && e->kind != EXPR_NAME) {
		diag_error(p->c.diags, e->span, "'data' is not a call of a reader");
		diag_help(p->c.diags,
		          "write a reader and its arguments, such as fashion_mnist() or npy('images.npy')");
		return false;
	}
	return read_call(p, e, &p->reader);
}
