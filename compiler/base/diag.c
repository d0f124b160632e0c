/* diag.c: errors with a place, notes and helps; shown in the order of the file with the line and a
 * caret.
 *
 *   model.json:7:16: error: no layer named 'conv2d'
 *       7 |   "encoder": ["conv2d(32, 3)", "relu"],
 *         |                ^~~~~~
 *     help: did you mean 'conv'? */
#include "base.h"

#include <stdlib.h>
#include <string.h>

typedef struct File {
	const char *name, *bytes;
	size_t size;
} File;

typedef struct Remark Remark;
struct Remark { /* a note, or a help (file 0) */
	Remark *next;
	Span span;
	bool is_help;
	const char *text;
};

typedef struct Error {
	Span span;
	const char *text, *from;
	Remark *first, **end;
} Error;

enum { MAX_FILES = 256 };

struct Diags {
	Arena *arena;
	File file[MAX_FILES];
	uint32_t files;
	Error error[MAX_ERRORS];
	size_t errors, dropped, repeated;
	Error *last; /* that notes and helps belong to; NULL: it was dropped */
};

Diags *diags_open(Arena *a)
{
	Diags *d = new (a, Diags);
	d->arena = a;
	return d;
}

uint32_t diags_file(Diags *d, const char *name, const char *bytes, size_t size)
{
	if (d->files == MAX_FILES)
		BUG("more than %d files", MAX_FILES);
	d->file[d->files] = (File){name, bytes, size};
	return ++d->files;
}

static const File *file_of(const Diags *d, uint32_t file)
{
	if (file == 0 || file > d->files)
		BUG("no file %u", file);
	return &d->file[file - 1];
}

const char *diags_bytes(const Diags *d, uint32_t file, size_t *size)
{
	*size = file_of(d, file)->size;
	return file_of(d, file)->bytes;
}

const char *diags_name(const Diags *d, uint32_t file)
{
	return file_of(d, file)->name;
}

static bool starts_character(char byte)
{
	return ((unsigned char)byte & 0xC0) != 0x80;
}

void diags_place(const Diags *d, Span span, uint32_t *line, uint32_t *column)
{
	const File *f = file_of(d, span.file);
	*line = *column = 1;
	for (size_t i = 0; i < span.at && i < f->size; i++) {
		if (f->bytes[i] == '\n') {
			*line += 1;
			*column = 1;
		} else if (starts_character(f->bytes[i])) {
			*column += 1;
		}
	}
}

const char *diags_words(const Diags *d, Arena *a, Span span)
{
	const File *f = file_of(d, span.file);
	size_t end = span.at;
	while (end < span.end && end < f->size) {
		size_t bytes = utf8_bytes(f->bytes + end, f->size - end);
		char one[5] = {0};
		memcpy(one, f->bytes + end, bytes);
		if (!bytes || !*one || control_in(one, false))
			break;
		end += bytes;
	}
	return end > span.at ? arena_printf(a, "%.*s", (int)(end - span.at), f->bytes + span.at) : NULL;
}

/* -- Collecting -------------------------------------------------------------------------------- */

void diag_error_from(Diags *d, const char *from, Span span, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	const char *text = arena_vprintf(d->arena, format, args);
	va_end(args);
	d->last = NULL;
	for (size_t i = 0; i < d->errors; i++)
		if (memcmp(&d->error[i].span, &span, sizeof span) == 0 &&
		    (span.file || strcmp(d->error[i].text, text) == 0)) {
			d->repeated++; /* the first error of a place is its cause */
			return;
		}
	if (d->errors == MAX_ERRORS) {
		d->dropped++;
		return;
	}
	d->last = &d->error[d->errors++];
	*d->last = (Error){.span = span, .text = text, .from = from};
	d->last->end = &d->last->first;
}

bool diag_is_kept(const Diags *d)
{
	return d->last != NULL;
}

static void remark(Diags *d, Span span, bool is_help, const char *format, va_list args)
{
	if (!d->last)
		return;
	Remark *r = new (d->arena, Remark);
	*r = (Remark){.span = span, .is_help = is_help, .text = arena_vprintf(d->arena, format, args)};
	*d->last->end = r;
	d->last->end = &r->next;
}

void diag_note(Diags *d, Span span, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	remark(d, span, false, format, args);
	va_end(args);
}

void diag_help(Diags *d, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	remark(d, (Span){0}, true, format, args);
	va_end(args);
}

size_t diag_count(const Diags *d)
{
	return d->errors + d->dropped + d->repeated;
}

/* -- Who explains it --------------------------------------------------------------------------- */

static const struct {
	const char *file, *part, *section;
} explained[] = {
#define EXPLAINED(file, part, section) {file, part, section},
#include "explained.def"
#undef EXPLAINED
};

static const char *section_of(const Error *e)
{
	for (size_t i = 0; i < COUNT(explained); i++)
		if (strstr(e->from, explained[i].file) && strstr(e->text, explained[i].part))
			return explained[i].section;
	return NULL;
}

/* As the page that shows a README makes it: small letters, a dash for a space, nothing else. */
void section_anchor(const char *section, char anchor[SECTION_ANCHOR])
{
	size_t size = 0;
	for (const char *at = section; *at && size + 1 < SECTION_ANCHOR; at++)
		if (*at == ' ')
			anchor[size++] = '-';
		else if ((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9'))
			anchor[size++] = *at;
		else if (*at >= 'A' && *at <= 'Z')
			anchor[size++] = (char)(*at - 'A' + 'a');
	anchor[size] = 0;
}

/* -- Showing ----------------------------------------------------------------------------------- */

enum { WIDEST = 110 }; /* characters of a source line that are shown */

typedef struct Paint {
	const char *bold, *red, *blue, *off;
} Paint;

static const Paint plain = {"", "", "", ""};
static const Paint coloured = {"\033[1m", "\033[1;31m", "\033[34m", "\033[0m"};

static void print_head(const Diags *d, Span span, FILE *out, const Paint *p)
{
	if (!span.file)
		return;
	uint32_t line, column;
	diags_place(d, span, &line, &column);
	fputs(p->bold, out);
	put_shown(out, diags_name(d, span.file));
	fprintf(out, ":%u:%u: %s", line, column, p->off);
}

/* The byte `back` characters before `at`, not before `low`. */
static size_t step_back(const char *bytes, size_t at, size_t low, size_t back)
{
	while (back && at > low) {
		at--;
		back -= starts_character(bytes[at]);
	}
	return at;
}

/* The source line with a caret below; a long one is cut around the span. */
static void print_line(const Diags *d, Span span, FILE *out, const Paint *p)
{
	const File *f = file_of(d, span.file);
	size_t at = span.at < f->size ? span.at : f->size, low = at, high = at;
	while (low > 0 && f->bytes[low - 1] != '\n')
		low--;
	while (high < f->size && f->bytes[high] != '\n' && f->bytes[high] != '\r')
		high++;
	size_t from = step_back(f->bytes, at, low, at - low > WIDEST - 30 ? 40 : at - low);
	size_t to = from;
	for (size_t shown = 0; to < high && (shown < WIDEST || !starts_character(f->bytes[to])); to++)
		shown += starts_character(f->bytes[to]);
	uint32_t line, column;
	diags_place(d, span, &line, &column);
	fprintf(out, "%s%5u |%s %s", p->blue, line, p->off, from > low ? "..." : "");
	for (size_t i = from, bytes; i < to; i += bytes ? bytes : 1) {
		bytes = utf8_bytes(f->bytes + i, to - i);
		char one[5] = {0}; /* a control character would spoil the terminal */
		memcpy(one, f->bytes + i, bytes);
		if (bytes && (*one == '\t' || (*one && !control_in(one, false))))
			fwrite(one, 1, bytes, out);
		else if (starts_character(f->bytes[i]))
			fputc(bytes ? ' ' : '?', out);
	}
	fprintf(out, "%s\n%s      |%s %s", to < high ? "..." : "", p->blue, p->off,
	        from > low ? "   " : "");
	for (size_t i = from; i < at; i++)
		if (starts_character(f->bytes[i]))
			fputc(f->bytes[i] == '\t' ? '\t' : ' ', out);
	fprintf(out, "%s^", p->red);
	for (size_t i = at + 1; i < span.end && i < to; i++)
		if (starts_character(f->bytes[i]))
			fputc('~', out);
	fprintf(out, "%s\n", p->off);
}

static void print_error(const Diags *d, const Error *e, FILE *out, const Paint *p)
{
	print_head(d, e->span, out, p);
	fprintf(out, "%serror:%s ", p->red, p->off);
	put_shown(out, e->text);
	fputc('\n', out);
	if (e->span.file)
		print_line(d, e->span, out, p);
	for (const Remark *r = e->first; r; r = r->next) {
		fputs("  ", out);
		print_head(d, r->span, out, p);
		fprintf(out, "%s%s:%s ", p->bold, r->is_help ? "help" : "note", p->off);
		put_shown(out, r->text);
		fputc('\n', out);
		if (r->span.file)
			print_line(d, r->span, out, p);
	}
}

/* Only where a person reads: once for errors of one section that follow each other. */
static void print_section(const char *section, FILE *out, const Paint *p)
{
	char anchor[SECTION_ANCHOR];
	section_anchor(section, anchor);
	fprintf(out, "  %ssee:%s  models/README.md#%s\n", p->blue, p->off, anchor);
}

static int by_place(const void *x, const void *y)
{
	const Error *a = *(const Error *const *)x, *b = *(const Error *const *)y;
	if (a->span.file != b->span.file)
		return a->span.file < b->span.file ? -1 : 1;
	if (a->span.at != b->span.at)
		return a->span.at < b->span.at ? -1 : 1;
	return a < b ? -1 : a > b; /* as reported */
}

static void sort(const Diags *d, const Error *sorted[MAX_ERRORS])
{
	for (size_t i = 0; i < d->errors; i++)
		sorted[i] = &d->error[i];
	qsort(sorted, d->errors, sizeof sorted[0], by_place);
}

void diag_print(const Diags *d, FILE *out, bool colour)
{
	const Error *sorted[MAX_ERRORS];
	sort(d, sorted);
	for (size_t i = 0; i < d->errors; i++) {
		const char *section = section_of(sorted[i]);
		const char *next = i + 1 < d->errors ? section_of(sorted[i + 1]) : NULL;
		print_error(d, sorted[i], out, colour ? &coloured : &plain);
		if (colour && section && (!next || strcmp(section, next) != 0))
			print_section(section, out, &coloured);
	}
	if (d->dropped)
		fprintf(out, "and %zu more errors\n", d->dropped);
}

size_t diag_lines(const Diags *d, DiagLine *out, size_t room)
{
	const Error *sorted[MAX_ERRORS];
	size_t count = 0;
	sort(d, sorted);
	for (size_t i = 0; i < d->errors; i++) {
		if (count++ < room)
			out[count - 1] =
			    (DiagLine){DIAG_ERROR, sorted[i]->span, sorted[i]->text, section_of(sorted[i])};
		for (const Remark *r = sorted[i]->first; r; r = r->next)
			if (count++ < room)
				out[count - 1] =
				    (DiagLine){r->is_help ? DIAG_HELP : DIAG_NOTE, r->span, r->text, NULL};
	}
	return count;
}
