/* scope.c: names: scopes of bodies, definitions of model and prelude, paths of parameters, and
 * errors that show both the user's place and the definition that it happened in. */
#include "elaborator.h"

#include <string.h>
#include <strings.h>

/* Scopes are shared by what closes over them, so a deep one has a tree of its own by the bits of
 * the names' hashes, which shares its branches with the tree of the scope around it (Bagwell 2001,
 * "Ideal hash trees"). */
enum { FEW_NAMES = 16, BITS = 4, ALL_BITS = 64 };
typedef struct Branch Branch;
struct Branch {
	const Branch *below[1 << BITS];
	const Scope *leaf[1 << BITS];
};

static unsigned bits_at(Hash hash, unsigned shift)
{
	return (unsigned)(hash >> shift) & ((1U << BITS) - 1);
}

/* The tree `old` (NULL: empty) and s, which hides one of the same name. */
static const Branch *with(Arena *a, const Branch *old, const Scope *s, unsigned shift)
{
	Branch *b = new (a, Branch);
	if (old)
		*b = *old;
	unsigned i = bits_at(s->hash, shift);
	const Scope *other = b->leaf[i];
	bool alone = !b->below[i] && (!other || strcmp(other->name, s->name) == 0);
	b->leaf[i] = NULL;
	if (alone || shift + BITS == ALL_BITS) {
		b->leaf[i] = s;
		return b;
	}
	const Branch *below = b->below[i] ? b->below[i] : with(a, NULL, other, shift + BITS);
	b->below[i] = with(a, below, s, shift + BITS);
	return b;
}

static const Scope *walk_out(const Scope *s, const char *name)
{
	while (s && strcmp(s->name, name) != 0)
		s = s->outer;
	return s;
}

static const Scope *look_down(const Branch *b, const char *name)
{
	Hash hash = hash_text(0, name);
	for (unsigned shift = 0; b; shift += BITS) {
		const Scope *leaf = b->leaf[bits_at(hash, shift)];
		if (leaf && shift + BITS == ALL_BITS)
			return walk_out(leaf, name); /* of several names with one hash */
		if (leaf)
			return strcmp(leaf->name, name) == 0 ? leaf : NULL;
		b = b->below[bits_at(hash, shift)];
	}
	return NULL;
}

const Value *scope_find(const Scope *s, const char *name)
{
	const Scope *found = s && s->root ? look_down(s->root, name) : walk_out(s, name);
	return found ? &found->value : NULL;
}

Scope *scope_bind(Elab *b, const Scope *outer, const char *name, Value value)
{
	Arena *a = b->c->arena;
	Scope *s = new (a, Scope);
	*s = (Scope){.outer = outer, .name = name, .value = value, .hash = hash_text(0, name)};
	s->value.in_init = b->in_init;
	s->depth = outer ? outer->depth + 1 : 1;
	if (s->depth <= FEW_NAMES)
		return s;
	if (s->depth == FEW_NAMES + 1) { /* the outermost first */
		const Scope *all[FEW_NAMES];
		for (const Scope *o = outer; o; o = o->outer)
			all[o->depth - 1] = o;
		for (int i = 0; i < FEW_NAMES; i++)
			s->root = with(a, s->root, all[i], 0);
	}
	s->root = with(a, s->root ? s->root : outer->root, s, 0);
	return s;
}

const Definition *definition_find(const Elab *b, const char *name, Span from)
{
	const Definition *d = NULL, *library = library_find(b->c, b->prelude, name);
	bool of_library = from.file && (!b->model || from.file != b->model->file);
	if (of_library && !(library && library->is_setting))
		return library;
	if (b->task)
		d = definitions_find(&b->task->task->network, name);
	if (!d && b->model)
		d = definitions_find(&b->model->define, name);
	return d ? d : library;
}

/* -- Paths ------------------------------------------------------------------------------------- */

static Used *used(Elab *b, const char *name)
{
	Used *u = b->frame->used;
	while (u && strcmp(u->name, name) != 0)
		u = u->next;
	if (u)
		return u;
	u = new (b->c->arena, Used);
	*u = (Used){b->frame->used, name, 0};
	return b->frame->used = u;
}

/* name, name_1, name_2, ..., but for what another is called by its own name. */
const char *frame_component(Elab *b, const char *name)
{
	Used *u = used(b, name);
	if (!u->count++)
		return name;
	for (;; u->count++) {
		Used *numbered = used(b, arena_printf(b->c->arena, "%s_%u", name, u->count - 1));
		if (!numbered->count++)
			return numbered->name;
	}
}

const char *frame_path(Elab *b, const char *component)
{
	size_t size = strlen(component);
	for (const Frame *f = b->frame; f; f = f->outer)
		size += *f->component ? strlen(f->component) + 1 : 0;
	char *path = new_array(b->c->arena, char, size + 1), *end = path + size;
	end = memcpy(end - strlen(component), component, strlen(component));
	for (const Frame *f = b->frame; f; f = f->outer) {
		if (!*f->component)
			continue;
		*--end = '.';
		end = memcpy(end - strlen(f->component), f->component, strlen(f->component));
	}
	return path;
}

Frame frame_below(Elab *b, const char *component)
{
	return (Frame){
	    .outer = b->frame, .component = component, .use = hash_text(b->frame->use, component)};
}

Frame frame_network(Elab *b, const char *name)
{
	const char *component = frame_component(b, name);
	const Definition *d = definitions_find(&b->model->define, name);
	if (d)
		b->used[d - b->model->define.at] = true;
	bool of_task = b->task && definitions_find(&b->task->task->network, name);
	const char *path = of_task ? arena_printf(b->c->arena, "%s%s", b->prefix, name) : name;
	return (Frame){.component = path, .use = hash_text(b->frame->use, component)};
}

/* -- Errors ------------------------------------------------------------------------------------ */

Span user_span(const Elab *b, Span span)
{
	uint32_t file = b->model ? b->model->file : 0;
	for (const Call *call = b->call; call && span.file != file; call = call->outer)
		span = call->span;
	return span;
}

void elab_error_from(Elab *b, const char *from, Span span, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	const char *text = arena_vprintf(b->c->arena, format, args);
	va_end(args);
	Span at = user_span(b, span);
	diag_error_from(b->c->diags, from, at, "%s", text);
	if (at.file != span.file && b->call)
		diag_note(b->c->diags, span, "in '%s', which is text of the prelude", b->call->name);
}

void unknown_name(Elab *b, Span span, const char *name, const Scope *scope, const char *what)
{
	if (b->model && b->model->names_lost)
		return;
	elab_error(b, span, "no %s named '%s'", what, name);
	if (!diag_is_kept(b->c->diags))
		return;
	if (strcmp(name, "sweep") == 0) {
		diag_help(b->c->diags, "sslc sweep runs a model with each of the values");
		return;
	}
	if (strcasecmp(name, "true") == 0 || strcasecmp(name, "false") == 0) {
		diag_help(b->c->diags, "write 1 for true, 0 for false");
		return;
	}
	size_t count = 0, most = 64 + OP_COUNT + b->prelude->count;
	if (b->model)
		most += b->model->define.count;
	for (const Scope *s = scope; s; s = s->outer)
		most++;
	for (const BuiltinInfo *i = builtin_info; i->name; i++)
		most++;
	const char **names = new_array(b->c->arena, const char *, most);
	for (const Scope *s = scope; s; s = s->outer)
		names[count++] = s->name;
	for (size_t i = 0; b->model && i < b->model->define.count; i++)
		names[count++] = b->model->define.at[i].name;
	for (size_t i = 0; i < b->prelude->count; i++)
		names[count++] = b->prelude->at[i].name;
	for (const BuiltinInfo *i = builtin_info; i->name; i++)
		names[count++] = i->name;
	for (Op op = 1; op < OP_COUNT; op++)
		if (op_info[op].kind == MAP)
			names[count++] = op_info[op].name;
	const char *near = suggest(name, names, count);
	if (near)
		diag_help(b->c->diags, "did you mean '%s'?", near);
	else if (b->sees_collected && strcmp(what, "value") == 0)
		diag_help(b->c->diags,
		          "this metric sees what \"collect\" names, of all test samples, and no data");
	else if (strcmp(name, "label") == 0)
		diag_help(b->c->diags, "this data has no labels");
	else if (strcmp(what, "value") == 0)
		diag_help(b->c->diags,
		          "a loss sees the data (x), the names of \"pretext\" and the networks");
	else
		diag_help(
		    b->c->diags,
		    "layers and functions are listed in models/README.md; your own stand under \"define\"");
}

/* -- Limits ------------------------------------------------------------------------------------ */

/* Evaluation is recursive: its stack is long (elaborate.c), and watched. */
bool has_room(Elab *b, Span span)
{
	if (b->stopped || !stack_is_low(b->c))
		return !b->stopped;
	b->stopped = true;
	elab_error(b, span, "calls and expressions are nested too deep here: %u calls", b->depth);
	diag_help(b->c->diags, "give parts of long expressions names of their own");
	return false;
}

bool may_call(Elab *b, Span span, const char *name)
{
	if (!has_room(b, span))
		return false;
	if (b->depth < MAX_DEPTH && b->calls < MAX_CALLS)
		return true;
	b->stopped = true;
	if (b->depth == MAX_DEPTH) {
		elab_error(b, span, "'%s' is called more than %d levels deep: it seems to call itself",
		           name, MAX_DEPTH);
		diag_help(b->c->diags, "let it end: if(condition, value, call of itself)");
	} else {
		elab_error(b, span, "'%s' is call number %u of the graph '%s': at most %d are made", name,
		           b->calls + 1, b->g->name, MAX_CALLS);
		diag_help(b->c->diags, "a definition that calls another twice doubles the work of it, and "
		                       "a repeat in a repeat multiplies: use fewer of them");
	}
	return false;
}
