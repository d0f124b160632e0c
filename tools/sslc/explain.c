/* explain.c: sslc explain: one HTML page of a function, from the lines of the model file to machine code.
 *
 * What the page shows are the dumps of the stages, as sslc dump prints them; the script of the page
 * links their lines by what stands in them: places of the model file, numbers of nodes and kernels.
 * Times are measured over some steps with the first weights. Code that is longer than the page is cut
 * to the first lines of each kernel. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../../runtime/report/report.h"
#include "command.h"
#include "session.h"

enum { CODE_BYTES = 600 << 10, TEXT_BYTES = 500 << 10, LINES = 4096, FEWEST_LINES = 8 };

static const char GRAPH[] = "tidy"; /* the last stage of graphs */

static char *dump(const Session *s, const char *function, const char *stage)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool good = out && sslc_dump(s->program, function, stage, SSLC_TEXT, out);
	if (out)
		fclose(out);
	if (good)
		return text;
	free(text);
	return NULL;
}

/* -- Code, a block a kernel -------------------------------------------------------------------- */

/* The "k7" or "chain60" that begins here, or nothing. */
static size_t kernel_name(const char *at)
{
	size_t word = strncmp(at, "chain", 5) == 0 ? 5 : *at == 'k' ? 1 : 0;
	size_t digits = word ? strspn(at + word, "0123456789") : 0;
	return digits ? word + digits : 0;
}

typedef struct Block {
	const char *name, *begin, *end;
	int name_size;
} Block;

/* From "define ... @k7(" to its "}", or from "k7:" to its ".Lfunc_end". */
static bool next_block(const char **text, bool is_asm, Block *b)
{
	for (const char *line = *text; *line;) {
		const char *name = line, *after = strchr(line, '\n');
		if (!after)
			break;
		after++;
		if (!is_asm)
			name =
			    strncmp(line, "define ", 7) == 0 ? memchr(line, '@', (size_t)(after - line)) : NULL;
		size_t size = name ? kernel_name(name + !is_asm) : 0;
		if (!size || name[size + !is_asm] != (is_asm ? ':' : '(')) {
			line = after;
			continue;
		}
		const char *end = strstr(after, is_asm ? "\n.Lfunc_end" : "\n}");
		end = end ? end + (is_asm ? 1 : 3) : after + strlen(after);
		*b = (Block){name + !is_asm, line, end, (int)size};
		*text = end;
		return true;
	}
	return false;
}

/* As many lines of it as are shown. */
static const char *shown_end(const Block *b, int lines)
{
	const char *at = b->begin;
	for (; lines > 0 && at < b->end; lines--) {
		const char *end = memchr(at, '\n', (size_t)(b->end - at));
		at = end ? end + 1 : b->end;
	}
	return at;
}

static void write_code(FILE *out, const char *key, const char *text, bool is_asm)
{
	Block b;
	int lines = 2 * LINES;
	size_t size;
	do {
		lines /= 2;
		size = 0;
		for (const char *at = text; next_block(&at, is_asm, &b);)
			size += (size_t)(shown_end(&b, lines) - b.begin) + 64;
	} while (size > CODE_BYTES && lines > FEWEST_LINES);
	fprintf(out, ",\"%s\":{", key);
	bool first = true;
	for (const char *at = text; next_block(&at, is_asm, &b); first = false) {
		const char *end = shown_end(&b, lines);
		char *shown = strndup(b.begin, (size_t)(end - b.begin));
		fprintf(out, "%s\"%.*s\":", first ? "" : ",", b.name_size, b.name);
		json_text(out, shown ? shown : "");
		free(shown);
		if (end < b.end)
			fprintf(out, ",\"%.*s cut\":%d", b.name_size, b.name, lines);
	}
	fputc('}', out);
}

/* -- Times ------------------------------------------------------------------------------------- */

/* Some calls with the first weights, of which nothing is kept. */
static bool measure(FILE *out, Session *s, const char *function, const Options *o, Failure *f)
{
	enum { LEAST = 3, MOST = 50 };
	Engine e = {0};
	Call call = {0};
	Feed feed = {0};
	Profile *profile = NULL;
	uint64_t seed = sslc_pretraining(s->program).seed;
	bool good = engine_open(&e, sslc_describe(s->program),
	                        o->threads ? (int)o->threads : threads_here(), f) &&
	            states_begin(&e, seed, f) && call_open(&call, &e, function, f);
	int64_t batch = good ? call_batch(&call) : 0;
	PrefetchOrder order = {.split = SPLIT_TRAIN, .batch = batch, .epochs = true, .last_step = MOST};
	if (good && !(profile = profile_open(&call)))
		good = fail(f, FAILURE_SYSTEM, "no memory for the profile");
	good = good && (!batch || feed_open(&feed, &call, s->data, order, f));
	double began = seconds_now();
	for (int i = 0; good && i < MOST && (i < LEAST || seconds_now() - began < 1); i++) {
		good = !batch || feed_next(&feed, &call, f);
		e.step = i;
		if (good)
			call_run(&call);
	}
	if (good) {
		fputs(",\"profile\":", out);
		if (!profile_json(profile, out))
			fputs("null", out);
	}
	profile_close(profile);
	feed_close(&feed);
	call_close(&call);
	engine_close(&e);
	return good;
}

/* -- The page ---------------------------------------------------------------------------------- */

static void write_text(FILE *out, const char *key, const char *text)
{
	char *shown = strndup(text, TEXT_BYTES);
	fprintf(out, ",\"%s\":", key);
	json_text(out, shown ? shown : "");
	free(shown);
	if (strlen(text) > TEXT_BYTES)
		fprintf(out, ",\"%s cut\":%d", key, TEXT_BYTES);
}

/* False, without a failure: the program has the errors. */
static bool write_data(FILE *out, Session *s, const char *function, const Options *o, Failure *f)
{
	static const char *const key[] = {"graph", "kernels", "llvm", "asm"};
	const char *stage[] = {GRAPH, "schedule", "llvm-optimized", "asm"};
	fprintf(out, "{\"sslc\":\"%s\",\"function\":", SSLC_VERSION);
	json_text(out, function);
	fputs(",\"name\":", out);
	json_text(out, sslc_name(s->program));
	fputs(",\"file\":", out);
	json_text(out, o->model);
	write_text(out, "model", sslc_model_text(s->program, NULL));
	const char *cpu = sslc_cpu(s->program);
	fputs(",\"cpu\":", out);
	json_text(out, cpu ? cpu : "");
	for (int i = 0; i < 4; i++) {
		char *text = dump(s, function, stage[i]);
		if (!text)
			return false;
		if (i < 2)
			write_text(out, key[i], text);
		else
			write_code(out, key[i], text, i == 3);
		free(text);
	}
	bool good = measure(out, s, function, o, f);
	fputc('}', out);
	return good;
}

static bool explain(Session *s, const char *function, const Options *o, size_t *size, Failure *f)
{
	char *data = NULL, title[256], why[WHY];
	size_t length = 0;
	FILE *out = open_memstream(&data, &length);
	bool good = out && write_data(out, s, function, o, f);
	if (!out || fclose(out) != 0)
		good = fail(f, FAILURE_SYSTEM, "no memory for the page");
	snprintf(title, sizeof title, "%s: %s explained", sslc_name(s->program), function);
	good = good && (page_write(PAGE_EXPLAIN, o->out ? o->out : "explain.html", title, data, length,
	                           size, why) ||
	                fail(f, FAILURE_SYSTEM, "%s", why));
	free(data);
	return good;
}

int command_explain(const Options *o)
{
	const char *function = o->function ? o->function : "step";
	Session s;
	Failure f = {0};
	size_t size;
	int code = session_open(&s, o, (sslc_options){.profile = true}, true);
	if (!code)
		code = session_find(&s, function);
	if (!code && !explain(&s, function, o, &size, &f))
		code = session_failure(&s, &f);
	char text[24];
	if (!code)
		printf("%s of %s explained in %s (%s)\n", function, sslc_name(s.program),
		       o->out ? o->out : "explain.html", bytes_text(size, text));
	session_close(&s);
	return code ? code : finish_output(EXIT_GOOD);
}
