/* schema.c: prints the JSON schema (draft 7) of model files: keys from parse/sections.def, examples
 * of layers, losses and optimizers from models/lib, readers from runtime/data/readers.def. */
#include "command.h"

#include <stdio.h>
#include <string.h>

#include "../../compiler/parse/parse.h"

/* The shapes that sections.def names. */
static const char shapes[] =
    "    \"text\": {\"type\": \"string\"},\n"
    "    \"about\": {\"anyOf\": [{\"type\": \"string\"}, {\"type\": \"array\", \"items\": "
    "{\"type\": "
    "\"string\"}}]},\n"
    "    \"expression\": {\"type\": \"string\"},\n"
    "    \"body\": {\"anyOf\": [{\"$ref\": \"#/definitions/loss\"}, {\"type\": \"number\"}, "
    "{\"$ref\": "
    "\"#/definitions/layers\"}, {\"$ref\": \"#/definitions/names\"}]},\n"
    "    \"names\": {\"type\": \"object\", \"minProperties\": 1, \"additionalProperties\": "
    "{\"$ref\": "
    "\"#/definitions/body\"}},\n"
    "    \"define\": {\"type\": \"object\", \"additionalProperties\": {\"$ref\": "
    "\"#/definitions/body\"}},\n"
    "    \"layers\": {\"type\": \"array\", \"items\": {\"anyOf\": [{\"$ref\": "
    "\"#/definitions/layer\"}, {\"$ref\": \"#/definitions/layers\"}]}},\n"
    "    \"network\": {\"description\": \"a network: a chain of layers with weights of its own\", "
    "\"allOf\": [{\"$ref\": \"#/definitions/layers\"}, {\"minItems\": 1}]},\n"
    "    \"list\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}},\n"
    "    \"namings\": {\"type\": \"object\", \"additionalProperties\": {\"type\": \"object\", "
    "\"additionalProperties\": {\"anyOf\": [{\"type\": [\"string\", \"null\"]}, {\"type\": "
    "\"array\", \"minItems\": 1, \"items\": {\"type\": \"string\"}}, {\"type\": \"object\", "
    "\"minProperties\": 1, \"additionalProperties\": {\"anyOf\": [{\"type\": \"integer\", "
    "\"minimum\": 0}, {\"$ref\": \"#/definitions/layers\"}]}}]}}},\n"
    "    \"sweep\": {\"type\": \"string\", \"pattern\": \"^sweep *\\\\(.*\\\\)$\", \"examples\": "
    "[\"sweep(64, 128)\"]},\n"
    "    \"labels\": {\"anyOf\": [{\"type\": \"number\", \"exclusiveMinimum\": 0, \"maximum\": "
    "1e9}, {\"$ref\": \"#/definitions/sweep\"}]},\n"
    "    \"tasks\": {\"type\": \"object\", \"additionalProperties\": {\"$ref\": "
    "\"#/definitions/task\"}},\n";

/* A key, on a line of its own; "allOf", since draft 7 sees nothing beside a "$ref". */
static void print_key(const char *key, const char *shape, const char *meaning)
{
	printf(
	    "      \"%s\": {\"description\": \"%s\", \"allOf\": [{\"$ref\": \"#/definitions/%s\"}]},\n",
	    key, meaning, shape);
}

static void print_names(void)
{
	static const char *const precisions[] = {
#define PRECISION(name) name,
#include "../../compiler/parse/sections.def"
#undef PRECISION
	};
	static const char *const baselines[] = {
#define BASELINE(name) name,
#include "../../compiler/parse/sections.def"
#undef BASELINE
	};
	fputs("    \"precision\": {\"anyOf\": [{\"$ref\": \"#/definitions/sweep\"}, {\"enum\": [",
	      stdout);
	for (size_t i = 0; i < COUNT(precisions); i++)
		printf("%s\"%s\"", i ? ", " : "", precisions[i]);
	fputs("]}]},\n    \"baselines\": {\"type\": \"array\", \"items\": {\"enum\": [", stdout);
	for (size_t i = 0; i < COUNT(baselines); i++)
		printf("%s\"%s\"", i ? ", " : "", baselines[i]);
	puts("]}},");
}

static void print_readers(void)
{
	static const char *const readers[] = {
#define READER(name, parameters, meaning) #name "(" parameters ")",
#include "../../runtime/data/readers.def"
#undef READER
	};
	fputs("    \"reader\": {\"type\": \"string\", \"examples\": [", stdout);
	for (size_t i = 0; i < COUNT(readers); i++)
		printf("%s\"%s\"", i ? ", " : "", readers[i]);
	puts("]},");
}

static void print_train(void)
{
	puts(
	    "    \"train\": {\"type\": \"object\", \"additionalProperties\": false, \"properties\": {");
#define TRAIN_KEY(key, least, most, meaning)                                                       \
	printf("      \"%s\": {\"description\": \"%s\", \"anyOf\": [{\"type\": \"integer\", "          \
	       "\"minimum\": %.0f, \"maximum\": %.0f}, {\"$ref\": \"#/definitions/sweep\"}]},\n",      \
	       #key, meaning, (double)(least), (double)(most));
#include "../../compiler/parse/sections.def"
#undef TRAIN_KEY
	puts("      \"shuffle\": {\"description\": \"each epoch in an order of its own\", \"anyOf\": "
	     "[{\"type\": \"boolean\"}, {\"$ref\": \"#/definitions/sweep\"}]}\n    }},");
}

/* "linear(units, bias=1)": without the `given` parameters that the place gives. */
static void print_call(const Definition *d, size_t given)
{
	Text text = {0};
	text_printf(&text, "%s", d->name);
	for (size_t i = given; i < d->count; i++) {
		const Param *p = &d->param[i];
		text_printf(&text, "%s%s%s", i == given ? "(" : ", ", p->name, p->is_layer ? "()" : "");
		if (p->otherwise) {
			text_printf(&text, "=");
			expr_print(p->otherwise, &text);
		}
	}
	printf("\"%s%s\"", text.data, d->count > given ? ")" : "");
	text_close(&text);
}

/* The definitions of some files of the library that begin with the parameters which the place
 * gives. */
static void print_calls(const Compile *c, const Prelude *p, const char *shape, const char *files,
                        const char *first, const char *second)
{
	size_t given = second ? 2 : first ? 1 : 0;
	const char *comma = "";
	printf("    \"%s\": {\"type\": \"string\", \"examples\": [", shape);
	for (const Definition *d = p->at; d < p->at + p->count; d++)
		if (strstr(files, diags_name(c->diags, d->span.file)) && d->count >= given &&
		    (!first || strcmp(d->param[0].name, first) == 0) &&
		    (!second || strcmp(d->param[1].name, second) == 0)) {
			fputs(comma, stdout);
			print_call(d, given);
			comma = ", ";
		}
	puts("]},");
}

int command_schema(const Options *o)
{
	(void)o;
	Compile c = {.arena = arena_open(0)};
	if (!c.arena) {
		complain("no memory for the library");
		return EXIT_SYSTEM;
	}
	c.diags = diags_open(c.arena);
	const Prelude *p = prelude_parse(&c);
	puts("{\n  \"$schema\": \"http://json-schema.org/draft-07/schema#\",\n"
	     "  \"title\": \"a model of sslc " SSLC_VERSION "\",\n  \"type\": \"object\",\n"
	     "  \"required\": [\"data\", \"loss\"],\n"
	     "  \"additionalProperties\": {\"$ref\": \"#/definitions/network\"},\n  \"properties\": {");
#define SECTION(key, shape, meaning) print_key(#key, #shape, meaning);
#include "../../compiler/parse/sections.def"
#undef SECTION
	puts("      \"encoder\": {\"$ref\": \"#/definitions/network\"}\n  },\n  \"definitions\": {");
	fputs(shapes, stdout);
	print_names();
	print_readers();
	print_calls(&c, p, "layer", "lib/activations.json lib/layers.json lib/blocks.json", "x", NULL);
	print_calls(&c, p, "optimizer", "lib/optimizers.json", "w", "g");
	print_calls(&c, p, "loss", "lib/losses.json", NULL, NULL);
	print_train();
	puts("    \"task\": {\"type\": \"object\", \"not\": {\"required\": [\"loss\", \"bank\"]}, "
	     "\"anyOf\": [{\"required\": [\"loss\"]}, {\"required\": [\"metric\"]}], "
	     "\"additionalProperties\": "
	     "{\"$ref\": \"#/definitions/network\"}, \"properties\": {");
#define TASK_KEY(key, shape, meaning) print_key(#key, #shape, meaning);
#include "../../compiler/parse/sections.def"
#undef TASK_KEY
	puts("      \"head\": {\"$ref\": \"#/definitions/network\"}\n    }}\n  }\n}");
	arena_close(c.arena);
	return finish_output(EXIT_GOOD);
}
