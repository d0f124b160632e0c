/* base.h: what every stage stands on: arenas, text, hashes, diagnostics. Knows nothing of learning. */
#ifndef SSLC_BASE_H
#define SSLC_BASE_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define MUST_USE                 __attribute__((warn_unused_result))
#define PRINTF(format_at, first) __attribute__((format(printf, format_at, first)))
#define COUNT(array)             (sizeof(array) / sizeof((array)[0]))

/* A broken promise of our own: prints file and line, and aborts. User input never reaches it. */
#define BUG(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
_Noreturn void bug_at(const char *file, int line, const char *format, ...) PRINTF(3, 4);

/* -- arena.c: memory with a lifetime, not an owner --------------------------------------------- */

typedef struct Arena Arena;
typedef struct ArenaMark {
	void *chunk;
	size_t used;
} ArenaMark;

/* `limit` in bytes over the arena's life, 0 for none. NULL when there is no memory at all. */
MUST_USE Arena *arena_open(size_t limit);
/* One more, within the limit of `a`, which holds it (below): for what is gone before `a` is. */
Arena *arena_beside(Arena *a);
void arena_close(Arena *a); /* NULL-safe */
/* Where to go when the limit is passed or memory is gone; without it, BUG. The only longjmp here. */
jmp_buf *arena_on_limit(Arena *a, jmp_buf *where); /* returns what was set before */
_Noreturn void arena_exhausted(Arena *a);          /* goes there */
bool arena_refused(const Arena *a);                /* it went there as the system had no memory */
/* What is not of the arena, but must not outlive it: the jump passes over whoever would close it.
 * `what` is closed by arena_release, which is for the last one held, or by arena_close; it must not
 * be on the stack. */
void arena_hold(Arena *a, void (*close)(void *), void *what);
void arena_release(Arena *a);
void arena_keep(Arena *a); /* the last one held has another owner now */
/* `count` x `size` bytes, zeroed, aligned to 16; overflow-checked. Never NULL. */
void *arena_array(Arena *a, size_t count, size_t size);
/* clang-format off */
#define new(a, T) ((T *)arena_array((a), 1, sizeof(T)))
/* clang-format on */
#define new_array(a, T, n) ((T *)arena_array((a), (n), sizeof(T)))
/* A copy of `size` bytes with a NUL behind them. */
char *arena_copy(Arena *a, const char *bytes, size_t size);
char *arena_printf(Arena *a, const char *format, ...) PRINTF(2, 3);
char *arena_vprintf(Arena *a, const char *format, va_list args);
ArenaMark arena_mark(const Arena *a);
void arena_reset(Arena *a, ArenaMark mark); /* frees all that came after the mark */
size_t arena_used(const Arena *a);

/* -- text.c: growing strings and whole files --------------------------------------------------- */

/* Zero-initialise to open; `data` is always NUL-terminated once anything was added. */
typedef struct Text {
	char *data;
	size_t size, capacity;
} Text;

void text_add(Text *t, const char *bytes, size_t size);
void text_printf(Text *t, const char *format, ...) PRINTF(2, 3);
void text_close(Text *t);
void text_json(Text *t, const char *text); /* as a JSON string, in its quotes */
void text_dot(Text *t, const char *text);  /* as a label of Graphviz, in its quotes */
/* The shortest decimal text that reads back to the same double (or the same float if `is_float`). */
void text_number(Text *t, double value, bool is_float);
/* strtod, whatever the locale of the program. */
double text_to_number(const char *text, char **end);

/* How many bytes the UTF-8 character at `at` has; 0: it is none. */
size_t utf8_bytes(const char *at, size_t left);
/* The first control character of a text, of ASCII or Latin-1; NULL: none. A tab or the end of a
 * line is none where `space` is allowed. */
const char *control_in(const char *text, bool space);
/* Writes what cannot steer a terminal: control characters and bytes that are no UTF-8 as \xNN, of
 * a long text its beginning. */
void put_shown(FILE *out, const char *text);

/* Reads a whole regular file of at most `limit` bytes. On failure false, and `why` says it in words
 * ("No such file or directory", "is larger than 16777216 bytes", "is a directory"). */
MUST_USE bool file_read(const char *path, size_t limit, Text *out, char why[128]);
/* All of it, into an open file; false: errno. */
MUST_USE bool write_all(int file, const char *bytes, size_t size);
/* Writes beside, fsyncs, renames: the file is whole or untouched. */
MUST_USE bool file_write(const char *path, const void *bytes, size_t size, char why[128]);

/* -- hash.c: the one hash, for interning, structural keys and cache keys ----------------------- */

typedef uint64_t Hash;
Hash hash_bytes(Hash seed, const void *bytes, size_t size);
static inline Hash hash_u64(Hash seed, uint64_t value)
{
	return hash_bytes(seed, &value, sizeof value);
}
Hash hash_text(Hash seed, const char *text);

/* -- names.c: names and their numbers ---------------------------------------------------------- */

typedef struct NameSlot {
	const char *name; /* NULL: free */
	uint32_t number;
} NameSlot;

/* Zero-initialise to open. The texts of names must last as long. */
typedef struct Names {
	NameSlot *slot; /* [room] */
	uint32_t room, count;
} Names;

uint32_t names_find(const Names *n, const char *name); /* its number; 0: it has none */
/* Gives the name that number, not 0; if it has one already, that stays and is returned, else 0. */
uint32_t names_add(Names *n, Arena *a, const char *name, uint32_t number);

/* -- diag.c: what we tell the user ------------------------------------------------------------- */

/* Bytes [at, end) of a file known to Diags; file 0: no place. */
typedef struct Span {
	uint32_t file, at, end;
} Span;

typedef struct Diags Diags;

enum { MAX_ERRORS = 20 }; /* printed; the rest are counted */

Diags *diags_open(Arena *a);
/* Registers a text under the name errors will show; the bytes must outlive the Diags. Returns 1, 2,
 * ... */
uint32_t diags_file(Diags *d, const char *name, const char *bytes, size_t size);
const char *diags_bytes(const Diags *d, uint32_t file, size_t *size);
const char *diags_name(const Diags *d, uint32_t file);
/* 1-based line and column (in characters, UTF-8) of span.at. */
void diags_place(const Diags *d, Span span, uint32_t *line, uint32_t *column);
/* The words of a span, in the arena; a line at most, and what can be shown. NULL: there are none. */
const char *diags_words(const Diags *d, Arena *a, Span span);

/* An error; notes and helps belong to the last error. The same text at the same place is kept once. */
/* `from` is the file of the compiler that says so, by which explained.def knows who explains it. */
void diag_error_from(Diags *d, const char *from, Span span, const char *format, ...) PRINTF(4, 5);
#define diag_error(d, ...) diag_error_from((d), __FILE__, __VA_ARGS__)
#define DATA_OF_MODEL      "data" /* `from` of errors that are of the data; behind it its reader */
void diag_note(Diags *d, Span span, const char *format, ...) PRINTF(3, 4);
void diag_help(Diags *d, const char *format, ...) PRINTF(2, 3);
size_t diag_count(const Diags *d); /* grows by every error, also one that is shown already */
bool diag_is_kept(const Diags *d); /* the last error will be shown: a help is worth finding */
/* "file:line:col: error: text", the source line, carets under the span, notes, help. In source
 * order. */
void diag_print(const Diags *d, FILE *out, bool colour);
typedef enum DiagKind { DIAG_ERROR, DIAG_NOTE, DIAG_HELP } DiagKind;
typedef struct DiagLine {
	DiagKind kind;
	Span span; /* file 0: no place */
	const char *text;
	const char *section; /* of an error: the heading in models/README.md; NULL: none */
} DiagLine;
/* The same as data: each error, in source order, and then its notes and helps. Gives as many as there is
 * room for; returns how many there are. */
size_t diag_lines(const Diags *d, DiagLine *out, size_t room);

enum { SECTION_ANCHOR = 64 };
/* "shapes-that-stretch": where a link to the section leads. */
void section_anchor(const char *section, char anchor[SECTION_ANCHOR]);

/* -- suggest.c --------------------------------------------------------------------------------- */

/* The candidate nearest to `name` by edit distance (transpositions count one), or NULL if none is
 * near enough to be meant (distance at most a third of the length, at least 1). */
const char *suggest(const char *name, const char *const *candidates, size_t count);

/* -- laps.c ------------------------------------------------------------------------------------ */

typedef struct Lap {
	const char *stage; /* a literal */
	double seconds;    /* in all */
	size_t times;      /* that it ran */
} Lap;

typedef struct Laps {
	double since;
	size_t count;
	Lap lap[32]; /* in the order of the first run */
} Laps;

void laps_start(Laps *l);             /* what was before is charged to nobody */
void lap(Laps *l, const char *stage); /* the time since the last lap was that stage's */

/* -- The compilation: what all stages share ---------------------------------------------------- */

typedef struct Compile {
	Arena *arena; /* everything below lives here */
	Diags *diags;
	uint8_t float_type; /* DType of float data and parameters: F32, or F64 for gradient checks */
	uint8_t dot_type;   /* DType to which operands of f32 products are rounded: BF16; 0: none */
	bool exported;      /* the graph is for other programs: products as they are meant */
	bool profile;       /* step functions tell when each kernel is done */
	bool proves;        /* kernels that share code are compared (codegen/prove.c) */
	bool flushes;       /* results too small to be normal may be zero (codegen/flush.c) */
	unsigned threads;   /* kernels may be split over this many; never changes results */
	/* Bytes of a block of a chain (schedule/chain.c); 0: as measured; else whatever may be chained, or left out of a
	 * step (schedule/due.c), is, however small. */
	size_t chain_room;
	const char *cpu; /* LLVM's CPU name; NULL: this machine */
	const char *features;
	const char *target;            /* a name of machine/targets.def; NULL: this machine's kind */
	const struct Machine *machine; /* that code is made for; before the schedule it is known */
	const struct Graph *building;  /* the last that was begun from the model; NULL: none yet */
	Laps laps;                     /* what each stage took */
	uintptr_t stack_end;           /* the lowest address that recursion may reach; 0: not watched */
} Compile;

/* -- stack.c: a long stack for what is recursive over the user's text -------------------------- */

/* Runs it with room for deep recursion, whatever the caller's own limit is. */
void stack_run(Compile *c, void (*run)(void *), void *argument);
bool stack_is_low(const Compile *c);
/* A thread whose stack has so many bytes, whatever the limit of the caller's; false: none. */
bool stack_thread(pthread_t *thread, size_t stack, void *(*run)(void *), void *argument);

#endif
