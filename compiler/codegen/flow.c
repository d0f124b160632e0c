/* flow.c: a module's text, LLVM's or an assembler's, as control-flow graphs for Graphviz: a frame a
 * function, a box a basic block with its instructions, an edge a branch.
 *
 * A block begins at a label of code and, in assembly, behind a branch as well. LLVM writes where it
 * goes on as "label %name"; of an assembler any label of code that an instruction names is such a
 * place, and so is the next block, unless the instruction never goes on. Constants have labels,
 * too: what follows those is data. A block is known by the line that it begins with. */
#include "module.h"

#include <string.h>

typedef struct Line {
	const char *at;
	size_t size;
} Line;

typedef struct Flow {
	Arena *arena;
	bool is_assembly;
	Line *line; /* [count] */
	size_t count;
	Names names; /* of a function's labels of code: 1 + their line */
	Text *out;
	Text edges;   /* of the function at hand */
	size_t block; /* 1 + the first line of the block that is open; 0: none is */
	size_t falls; /* the same of the one that goes on to the next block; 0: none does */
} Flow;

/* -- Lines ------------------------------------------------------------------------------------- */

static void split(Flow *f, const char *text)
{
	size_t lines = 1;
	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	f->line = new_array(f->arena, Line, lines);
	while (*text) {
		Line l = {text, strcspn(text, "\n")};
		f->line[f->count++] = l;
		text += l.size + (text[l.size] == '\n');
	}
}

static bool begins(Line l, size_t at, const char *word)
{
	size_t size = strlen(word);
	return l.size >= at + size && memcmp(l.at + at, word, size) == 0;
}

static const char *name_at(const Flow *f, Line l, size_t at)
{
	size_t size = strcspn(l.at + at, " \t\n,:()[]{}");
	return arena_copy(f->arena, l.at + at, size);
}

/* NULL: the line is no label. */
static const char *label_of(const Flow *f, Line l)
{
	if (!l.size || strchr(" \t;", l.at[0]))
		return NULL;
	const char *name = name_at(f, l, 0);
	return begins(l, strlen(name), ":") ? name : NULL;
}

static bool is_instruction(const Flow *f, Line l)
{
	size_t at = strspn(l.at, " \t");
	return at && at < l.size && !(f->is_assembly && l.at[at] == '.');
}

static bool is_of_code(const Flow *f, size_t label, size_t end)
{
	for (size_t i = label + 1; i < end; i++) {
		size_t at = strspn(f->line[i].at, " \t");
		if (!begins(f->line[i], at, ".p2align") && !label_of(f, f->line[i]))
			return is_instruction(f, f->line[i]);
	}
	return false;
}

/* -- Branches ---------------------------------------------------------------------------------- */

/* The line of the block that is named at or behind *at, and one; 0: none is left. */
static size_t next_target(const Flow *f, Line l, size_t *at)
{
	while (*at < l.size) {
		size_t from = (*at)++;
		bool is_word = from && strchr(" \t,", l.at[from - 1]);
		if (!f->is_assembly && is_word && begins(l, from, "label %"))
			from += strlen("label %");
		else if (!f->is_assembly || !is_word || l.at[from] != '.')
			continue;
		uint32_t target = names_find(&f->names, name_at(f, l, from));
		if (target)
			return target;
	}
	return 0;
}

/* Of x86, Arm, AArch64 and RISC-V: only a jump leads to what follows. */
static bool never_goes_on(Line l)
{
	static const char *const words[] = {"jmp", "jmpq", "ret",  "retq",  "ud2", "b",   "b.w", "br",
	                                    "brk", "bx",   "tail", "unimp", "udf", "hlt", "j",   "jr"};
	static const char *const loads[] = {"pop", "pop.w", "ldm", "ldmia", "ldm.w"};
	size_t at = strspn(l.at, " \t"), size = strcspn(l.at + at, " \t\n");
	for (size_t i = 0; i < COUNT(words); i++)
		if (begins(l, at, words[i]) && strlen(words[i]) == size)
			return true;
	for (size_t i = 0; i < COUNT(loads); i++)
		if (begins(l, at, loads[i]) && strlen(loads[i]) == size)
			return begins(l, l.size - 3, "pc}");
	return false;
}

/* -- Drawing ----------------------------------------------------------------------------------- */

static void draw_line(Text *out, Line l)
{
	for (size_t i = 0; i < l.size; i++) {
		if (l.at[i] == '"' || l.at[i] == '\\')
			text_printf(out, "\\");
		text_add(out, l.at[i] == '\t' ? " " : l.at + i, 1);
	}
	text_printf(out, "\\l"); /* the line begins at the left */
}

static void close_block(Flow *f)
{
	if (f->block)
		text_printf(f->out, "\"];\n");
	f->block = 0;
}

static void open_block(Flow *f, size_t line)
{
	close_block(f);
	if (f->falls)
		text_printf(&f->edges, "    n%zu -> n%zu;\n", f->falls - 1, line);
	f->block = line + 1;
	f->falls = 0;
	text_printf(f->out, "    n%zu [label=\"", line);
}

/* The lines [first, end) are of the function. */
static void draw_function(Flow *f, const char *name, size_t first, size_t end)
{
	f->names = (Names){0};
	f->block = f->falls = 0;
	text_printf(f->out, "  subgraph \"cluster_%s\" {\n    label=\"%s\";\n", name, name);
	for (size_t i = first; i < end; i++) {
		const char *label = label_of(f, f->line[i]);
		if (label && is_of_code(f, i, end))
			names_add(&f->names, f->arena, label, (uint32_t)i + 1);
	}
	for (size_t i = first; i < end; i++) {
		Line l = f->line[i];
		const char *label = label_of(f, l);
		if (label ? !names_find(&f->names, label) : !is_instruction(f, l))
			continue;
		if (label || !f->block)
			open_block(f, i);
		draw_line(f->out, l);
		f->falls = f->is_assembly ? f->block : 0;
		if (label)
			continue;
		size_t at = 0, own = f->block - 1, target;
		bool jumps = false;
		for (; (target = next_target(f, l, &at)); jumps = true)
			text_printf(&f->edges, "    n%zu -> n%zu;\n", own, target - 1);
		if (f->is_assembly && never_goes_on(l))
			f->falls = 0, jumps = true;
		if (f->is_assembly && jumps)
			close_block(f);
	}
	close_block(f);
	if (f->edges.size)
		text_add(f->out, f->edges.data, f->edges.size);
	text_close(&f->edges);
	text_printf(f->out, "  }\n");
}

/* One past the last line of the function that begins at `first`. */
static size_t function_end(const Flow *f, size_t first)
{
	size_t i = first + 1;
	while (i < f->count && !begins(f->line[i], 0, f->is_assembly ? "\t.size" : "}") &&
	       !begins(f->line[i], 0, ".Lfunc_end"))
		i++;
	return i;
}

void flow_dot(Arena *arena, const char *name, const char *text, bool is_assembly, Text *out)
{
	Flow f = {.arena = arena, .is_assembly = is_assembly, .out = out};
	const char *announced = NULL; /* by .type: its label follows */
	split(&f, text);
	text_printf(out, "digraph \"%s\" {\n  node [shape=box, fontname=monospace];\n", name);
	for (size_t i = 0; i < f.count; i++) {
		Line l = f.line[i];
		const char *label = label_of(&f, l), *at = memchr(l.at, '@', l.size);
		if (begins(l, 0, "\t.type\t")) {
			announced = name_at(&f, l, strlen("\t.type\t"));
		} else if (!is_assembly && begins(l, 0, "define ") && at) {
			draw_function(&f, name_at(&f, l, (size_t)(at - l.at) + 1), i + 1, function_end(&f, i));
		} else if (is_assembly && label && announced && strcmp(label, announced) == 0) {
			draw_function(&f, label, i, function_end(&f, i));
			announced = NULL;
		}
	}
	text_printf(out, "}\n");
}
