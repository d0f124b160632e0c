/* signature.c: the keys of "define": a name, and parameters with defaults. */
#include "sections.h"

#include <string.h>

enum { MAX_PARAMS = 32 };

static bool expected(Compile *c, const Token *t, const char *what)
{
	if (t->kind == TOKEN_END)
		diag_error(c->diags, t->span, "expected %s, but the signature ends", what);
	else if (t->kind != TOKEN_BAD)
		diag_error(c->diags, t->span, "expected %s, not '%s'", what, t->text);
	diag_help(c->diags, "a signature is a name and parameters, such as \"scale(x, factor=2)\" or "
	                    "\"twice(x, f())\"");
	return false;
}

/* One parameter; *t is its name on entry, the token behind it on return. */
static bool param_parse(Compile *c, Lex *l, Token *t, Param *to)
{
	if (t->kind != TOKEN_NAME)
		return expected(c, t, "the name of a parameter");
	*to = (Param){.name = t->text, .span = t->span};
	*t = lex_next(l);
	if (token_is(t, "(")) {
		*t = lex_next(l);
		if (!token_is(t, ")"))
			return expected(c, t, "')': a layer as parameter is written f()");
		to->is_layer = true;
		*t = lex_next(l);
	}
	if (token_is(t, "=")) {
		*t = lex_next(l);
		return (to->otherwise = expr_parse_tokens(l, t)) != NULL;
	}
	return true;
}

static bool unique(Compile *c, const Param *param, size_t count, const Param *p)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(param[i].name, p->name) == 0) {
			diag_error(c->diags, p->span, "two parameters are named '%s'", p->name);
			return false;
		}
	if (count && param[count - 1].otherwise && !p->otherwise) {
		diag_error(c->diags, p->span, "'%s' has no default, but '%s' before it has one", p->name,
		           param[count - 1].name);
		return false;
	}
	return true;
}

static bool params_parse(Compile *c, Lex *l, Token *t, Definition *to)
{
	Param param[MAX_PARAMS];
	size_t count = 0;
	for (*t = lex_next(l); !token_is(t, ")");) {
		if (count == MAX_PARAMS) {
			diag_error(c->diags, t->span, "more than %d parameters", MAX_PARAMS);
			return false;
		}
		if (!param_parse(c, l, t, &param[count]) || !unique(c, param, count, &param[count]))
			return false;
		count++;
		if (token_is(t, ","))
			*t = lex_next(l);
		else if (!token_is(t, ")"))
			return expected(c, t, "',' or ')'");
	}
	*t = lex_next(l);
	to->param = new_array(c->arena, Param, count + 1);
	memcpy(to->param, param, count * sizeof *param);
	to->count = count;
	return true;
}

bool definition_parse(Compile *c, const Json *member, Definition *to)
{
	Lex l = lex_open_key(c, member);
	Token t = lex_next(&l);
	*to = (Definition){.span = t.span};
	if (t.kind != TOKEN_NAME)
		return expected(c, &t, "a name");
	to->name = t.text;
	t = lex_next(&l);
	if (token_is(&t, "(") && !params_parse(c, &l, &t, to))
		return false;
	if (t.kind != TOKEN_END)
		return expected(c, &t, "the end of the signature");
	to->text = member;
	return true;
}
