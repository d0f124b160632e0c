/* arguments.c: the arguments of a reader, as "data" calls it, in the places of its parameters. */
#include <stdlib.h>
#include <string.h>

#include "data.h"

/* The length of "name=otherwise"; a default in quotes may hold commas. */
static size_t parameter_size(const char *text)
{
	size_t name = strcspn(text, "=,");
	if (strncmp(text + name, "='", 2) != 0)
		return strcspn(text, ",");
	return name + 2 + strcspn(text + name + 2, "'") + 1;
}

static int parse_parameters(const char *text, Parameter *p)
{
	int count = 0;
	while (*text && count < MOST_ARGUMENTS) {
		size_t size = parameter_size(text), name = strcspn(text, "=,");
		p[count] = (Parameter){{0}, {0}};
		memcpy(p[count].name, text, name);
		if (name < size)
			memcpy(p[count].otherwise, text + name + 1, size - name - 1);
		count++;
		text += size;
		text += strspn(text, ", ");
	}
	return count;
}

static int find_parameter(const Parameter *p, int count, const char *name)
{
	size_t size = strlen(name);
	for (int i = 0; i < count; i++)
		if (strncmp(p[i].name, name, size) == 0 &&
		    (!p[i].name[size] || strcmp(p[i].name + size, "()") == 0))
			return i;
	return -1;
}

/* An argument of a name that is no parameter, where the reader takes such. */
static bool add_more(const sslc_call *call, const sslc_argument *arg, Arguments *a, char why[WHY])
{
	for (size_t i = 0; i < a->more_count; i++)
		if (strcmp(a->more[i].name, arg->name) == 0)
			return because(why, "'%s' is given '%.60s' twice", call->name, arg->name);
	if (a->more_count == MOST_ARGUMENTS)
		return because(why, "'%s' is given more than %d arrays", call->name, MOST_ARGUMENTS);
	a->more[a->more_count++] = *arg;
	return true;
}

/* Whether two names are one but for a letter that is left out, or neighbours that changed places. */
static bool is_slip(const char *a, const char *b)
{
	size_t as = strlen(a), bs = strlen(b);
	for (; *a && *a == *b; a++)
		b++;
	if (as == bs)
		return *a && a[0] == b[1] && a[1] == b[0] && strcmp(a + 2, b + 2) == 0;
	return (as + 1 == bs && strcmp(a, b + 1) == 0) || (as == bs + 1 && strcmp(a + 1, b) == 0);
}

/* A misspelt parameter would be a further array, and nobody would miss what it was to say. */
static bool check_more(const sslc_call *call, const Arguments *a, int count, const bool *given,
                       char why[WHY])
{
	for (size_t i = 0; i < a->more_count; i++)
		for (int k = 0; k < count; k++) {
			const Parameter *p = &a->parameter[k];
			bool is_text = p->otherwise[0] == '\'' || !p->otherwise[0];
			if (is_text && !given[k] && strlen(p->name) > 3 && is_slip(a->more[i].name, p->name))
				return because(why,
				               "'%s' has no parameter '%s': is '%s' meant? A further array takes a "
				               "name less like it",
				               call->name, a->more[i].name, p->name);
		}
	return true;
}

/* "x()" is given a reader, as a layer is given to "f()". */
static bool takes_call(const Parameter *p)
{
	size_t size = strlen(p->name);
	return size > 2 && strcmp(p->name + size - 2, "()") == 0;
}

static bool check_kind(const sslc_call *call, const Parameter *p, const sslc_argument *arg,
                       char why[WHY])
{
	if (takes_call(p))
		return arg->call || because(why, "'%.*s' of %s must be a reader, such as images('folder')",
		                            (int)strlen(p->name) - 2, p->name, call->name);
	bool wants_text =
	    p->otherwise[0] == '\'' || (!p->otherwise[0] && strcmp(call->name, "normal") != 0);
	return (!arg->call && wants_text == (arg->text != NULL)) ||
	       because(why, "'%s' of %s must be %s", p->name, call->name,
	               wants_text ? "a text in single quotes" : "a number");
}

/* What the parameters of a reader end with. */
typedef enum Rest { NO_REST, REST_TEXTS /* "..." */, REST_CALLS /* "...()" */ } Rest;

static Rest rest_of(const Parameter *last)
{
	return strcmp(last->name, "...") == 0     ? REST_TEXTS
	       : strcmp(last->name, "...()") == 0 ? REST_CALLS
	                                          : NO_REST;
}

static bool no_place(const sslc_call *call, size_t i, const char *parameters, char why[WHY])
{
	const char *name = call->argument[i].name;
	return because(why, "'%s' has no place for %s%.60s; its parameters are %s", call->name,
	               name ? "" : "argument ",
	               name    ? name
	               : i < 9 ? (char[]){(char)('1' + i), 0}
	                       : "10",
	               parameters);
}

/* Argument i of the call, which is of no parameter. */
static bool take_further(const sslc_call *call, size_t i, const char *parameters, Rest rest,
                         Arguments *a, char why[WHY])
{
	const sslc_argument *arg = &call->argument[i];
	if (arg->name && (rest == REST_TEXTS ? arg->text != NULL : rest == REST_CALLS && arg->call))
		return add_more(call, arg, a, why);
	if (rest != REST_CALLS)
		return no_place(call, i, parameters, why);
	return arg->name ? because(why, "'%s' of %s must be a reader, such as images('folder')",
	                           arg->name, call->name)
	                 : because(why, "'%s' must be told the name of argument %zu: NAME=reader",
	                           call->name, i + 1);
}

/* What is not given. */
static bool take_default(const sslc_call *call, int i, const char *parameters, Arguments *a,
                         char why[WHY])
{
	Parameter *p = &a->parameter[i];
	if (!p->otherwise[0])
		return because(why, "'%s' is not given its argument '%s'; its parameters are %s",
		               call->name, p->name, parameters);
	if (p->otherwise[0] == '\'') {
		p->otherwise[strlen(p->otherwise) - 1] = 0;
		a->text[i] = p->otherwise + 1;
	} else {
		a->number[i] = strtod(p->otherwise, NULL);
	}
	return true;
}

bool arguments_match(const sslc_call *call, const char *parameters, Arguments *a, char why[WHY])
{
	Parameter *p = a->parameter;
	bool given[MOST_ARGUMENTS] = {0};
	int count = parse_parameters(parameters, p);
	Rest rest = count > 0 ? rest_of(&p[count - 1]) : NO_REST;
	a->count = count -= rest != NO_REST;
	for (size_t i = 0; i < call->count; i++) {
		const sslc_argument *arg = &call->argument[i];
		int at = arg->name ? find_parameter(p, count, arg->name) : (int)i;
		if (at < 0 || at >= count) {
			if (!take_further(call, i, parameters, rest, a, why))
				return false;
			continue;
		}
		if (given[at])
			return no_place(call, i, parameters, why);
		given[at] = true;
		if (!check_kind(call, &p[at], arg, why))
			return false;
		a->text[at] = arg->text;
		a->number[at] = arg->number;
		a->call[at] = arg->call;
	}
	if (!check_more(call, a, count, given, why))
		return false;
	for (int i = 0; i < count; i++)
		if (!given[i] && !take_default(call, i, parameters, a, why))
			return false;
	return true;
}

bool arguments_have(const Arguments *a, const char *name)
{
	return find_parameter(a->parameter, a->count, name) >= 0;
}

/* What readers.def does not list is a mistake of ours, which the first test of the reader finds. */
static int place_of(const Arguments *a, const char *name)
{
	int at = find_parameter(a->parameter, a->count, name);
	if (at < 0)
		abort();
	return at;
}

const char *argument_text(const Arguments *a, const char *name)
{
	return a->text[place_of(a, name)];
}

double argument_number(const Arguments *a, const char *name)
{
	return a->number[place_of(a, name)];
}

bool arguments_path(const Arguments *a, const char *name, char path[PATH], char why[WHY])
{
	bool relative = name[0] != '/' && a->folder && *a->folder;
	int size = snprintf(path, PATH, "%s%s%s", relative ? a->folder : "", relative ? "/" : "", name);
	return size < PATH || because(why, "the name of a file is too long");
}

const char *listed_next(const char **list, size_t *size)
{
	const char *at = *list + strspn(*list, ", ");
	*size = strcspn(at, ",");
	*list = at + *size;
	while (*size && at[*size - 1] == ' ')
		--*size;
	return *at ? at : NULL;
}
