/* model.c: a whole model at random: its data, views, networks, loss, optimizer, features and
 * downstream tasks. */
#include "sections.h"

#include <string.h>

/* -- Data -------------------------------------------------------------------------------------- */

static int64_t some_batch(Tape *t, bool tiny)
{
	static const int64_t BATCHES[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  11,  13,  16,
	                                  17, 19, 23, 31, 32, 33, 48, 64, 67, 100, 128, 257};
	/* mostly small */
	return BATCHES[pick(t, tiny ? 5 : chance(t, 1, 4) ? COUNT(BATCHES) : 12)];
}

static int64_t some_long(Tape *t)
{
	static const int64_t LONGS[] = {4097, 4096, 5000, 8191, 8192, 9001};
	return LONGS[pick(t, COUNT(LONGS))];
}

/* What labels are, and a further array of every sample. */
static void draw_arrays(Sections *s)
{
	static const Beside SIDES[] = {{.type = ""},
	                               {.type = "f32", .rank = 1},
	                               {.type = "i32", .rank = 2, .dim = {3}},
	                               {.type = "u8", .rank = 3, .dim = {4, 2}},
	                               {.type = "f32", .rank = 3, .dim = {1, 2}},
	                               {.type = "i32", .rank = 1}};
	Program *p = s->p;
	bool npy = strcmp(p->data, "npy") == 0;
	s->labels = npy && chance(s->t, 1, 3) ? 1 + pick(s->t, LABELS - 1) : CLASS;
	p->label = (Beside){.type = "i32", .rank = 1};
	if (s->labels != CLASS)
		p->label = (Beside){.type = "i32", .rank = 2, .dim = {2 + pick(s->t, 3)}};
	if (s->labels == NUMBERS)
		strcpy(p->label.type, "f32");
	if (npy && chance(s->t, 1, 3))
		p->side = SIDES[pick(s->t, COUNT(SIDES))];
}

static void draw_x(Sections *s)
{
	enum { VECTOR, LABELED, IMAGE, PLANES, LINE, TOKENS, KINDS };
	Tape *t = s->t;
	Program *p = s->p;
	uint32_t kind = pick(t, KINDS);
	int64_t batch = some_batch(t, s->tiny), per_epoch = 1 + pick(t, 3);
	s->epochs = 1 + pick(t, 2);
	s->batch = batch;
	s->train = batch * per_epoch + pick(t, (uint32_t)batch);
	s->steps = per_epoch * s->epochs;
	s->x = (Form){.rank = 2, .dim = {batch, some_width(&s->d)}};
	s->target = "flatten(x)";
	s->longs = !s->tiny && batch < 4 && (kind == VECTOR || kind == LINE) && chance(t, 1, 2);
	if (kind == VECTOR) {
		strcpy(p->data, "normal");
		s->x.dim[1] = s->longs ? some_long(t) : s->x.dim[1];
		return;
	}
	strcpy(p->data, kind == IMAGE && chance(t, 1, 2) ? "idx" : "npy");
	strcpy(p->type, kind == IMAGE ? "u8" : kind == TOKENS ? "i32" : "f32");
	int64_t h = chance(t, 1, 8) ? 1 : 2 + (int64_t)pick(t, 8),
	        w = chance(t, 1, 2) ? h : 1 + (int64_t)pick(t, 9);
	if (kind == IMAGE)
		s->x = (Form){.rank = 3, .dim = {batch, h, w}};
	if (kind == PLANES)
		s->x = (Form){.rank = 4, .dim = {batch, h, w, 1 + pick(t, 4)}};
	if (kind == LINE)
		s->x = (Form){.rank = 3, .dim = {batch, 1 + pick(t, 22), 1 + pick(t, 5)}};
	if (kind == LINE && s->longs)
		s->x = (Form){.rank = 3, .dim = {batch, some_long(t), 1}};
	if (kind == TOKENS) {
		s->x = (Form){.rank = 2, .dim = {batch, 1 + pick(t, 9)}};
		s->target = "cast(flatten(x), 'float')";
		p->tokens = 1 + pick(t, 10);
	}
	p->classes = chance(t, 1, 12) ? 1 : 2 + pick(t, 5);
	s->test = p->classes + pick(t, 9);
	/* test=share holds out floor(all share): a share half a sample above what is meant */
	p->rank = s->x.rank;
	memcpy(p->dim, s->x.dim, sizeof p->dim);
	p->dim[0] = s->train + s->test;
	p->random = pick(t, 1000);
	s->again = chance(t, 1, 6);
	draw_arrays(s);
}

static void write_data(Sections *s, Text *out)
{
	Program *p = s->p;
	bool npy = strcmp(p->data, "npy") == 0;
	if (!p->type[0])
		text_printf(out, "\t\"data\": \"normal(%lld, %lld, seed=%u)\",\n", (long long)s->train,
		            (long long)s->x.dim[1], pick(s->t, 5));
	else
		text_printf(out, "\t\"data\": \"%s('x.%s', 'label.%s'%s%s, test=%.6f)\",\n", p->data,
		            p->data, p->data,
		            !s->again ? ""
		            : npy     ? ", again='x.npy'"
		                      : ", again='x.idx'",
		            p->side.type[0] ? ", side='side.npy'" : "",
		            ((double)s->test + 0.5) / (double)p->dim[0]);
}

/* -- Networks ---------------------------------------------------------------------------------- */

static void network(Sections *s, const char *name, const char *chain)
{
	text_printf(&s->networks, "\t\"%s\": [%s],\n", name, chain);
}

void add_layer(Text *chain, const char *layer)
{
	text_printf(chain, "%s\"%s\"", chain->size ? ", " : "", layer);
}

void add_linear(Text *chain, int64_t width)
{
	char layer[64];
	snprintf(layer, sizeof layer, "linear(%lld)", (long long)width);
	add_layer(chain, layer);
}

void add_chain(Draw *d, Form *f, int most, Text *chain)
{
	Text more = {0};
	draw_chain(d, f, most, &more);
	text_printf(chain, "%s%s", chain->size ? ", " : "", more.data);
	text_close(&more);
}

void add_rows(Form *f, bool pools, Text *chain)
{
	if (f->rank == 2)
		return;
	add_layer(chain, pools ? "mean_pool" : "flatten");
	f->dim[1] = pools ? f->dim[f->rank - 1] : form_size(f) / f->dim[0];
	f->rank = 2;
}

/* What makes floats of tokens, and channels of images. */
static void add_first(Sections *s, Form *f, Text *chain)
{
	char layer[64];
	if (s->p->tokens) {
		f->dim[f->rank++] = some_width(&s->d);
		snprintf(layer, sizeof layer, "embedding(%lld, %lld)", (long long)s->p->tokens,
		         (long long)f->dim[f->rank - 1]);
		add_layer(chain, layer);
	} else if (f->rank == 3 && chance(s->t, 1, 2)) {
		add_layer(chain, "image");
		f->dim[f->rank++] = 1;
	} else if (chance(s->t, 1, 3)) {
		add_rows(f, false, chain);
	}
}

/* encoder: any layers, then one row of numbers a sample. */
static void draw_encoder(Sections *s)
{
	static const char *const ENDS[] = {NULL,        NULL,   NULL,     "batch_norm",
	                                   "normalize", "relu", "softmax"};
	Text chain = {0};
	Form f = s->x;
	s->d.left = 150000;
	add_first(s, &f, &chain);
	if (!s->tiny || chance(s->t, 1, 3))
		add_chain(&s->d, &f, s->tiny ? 1 : chance(s->t, 1, 5) ? 6 : 3, &chain);
	add_rows(&f, chance(s->t, 1, 2) || form_size(&f) / f.dim[0] > 300, &chain);
	f.dim[1] = s->longs ? 1 + (int64_t)pick(s->t, 4) : some_width(&s->d);
	add_linear(&chain, f.dim[1]);
	const char *end = ENDS[pick(s->t, COUNT(ENDS))];
	if (end)
		add_layer(&chain, end);
	s->code = f;
	network(s, "encoder", chain.data);
	text_close(&chain);
}

int64_t draw_head(Sections *s, const char *name, int64_t from, int64_t width)
{
	Form f = {.rank = 2, .dim = {s->batch, from}};
	Text chain = {0};
	s->d.left = 20000;
	if (!s->tiny && chance(s->t, 1, 2))
		add_chain(&s->d, &f, 2, &chain);
	add_rows(&f, false, &chain);
	f.dim[1] = width ? width : some_width(&s->d);
	add_linear(&chain, f.dim[1]);
	network(s, name, chain.data);
	text_close(&chain);
	return f.dim[1];
}

/* -- Views ------------------------------------------------------------------------------------- */

static void draw_views(Sections *s)
{
	s->views = !s->p->tokens;
	if (!s->views)
		return;
	text_printf(&s->pretext, "\t\"pretext\": {");
	for (int i = 0; i < 2; i++) {
		Text one = {0};
		draw_transform(&s->d, &s->x, &one);
		if (chance(s->t, 1, 3)) {
			text_printf(&one, "\", \"");
			draw_transform(&s->d, &s->x, &one);
		}
		text_printf(&s->d.define, "\t\t\"view%d\": [\"%s\"],\n", i, one.data);
		text_printf(&s->pretext, "%s\"%c\": \"view%d(%s)\"", i ? ", " : "", 'a' + i, i,
		            i && s->again             ? "again"
		            : s->p->side.type[0] && i ? "beside(x, side)"
		                                      : "x");
		text_close(&one);
	}
	s->mixed = chance(s->t, 1, 4);
	text_printf(&s->pretext, "%s},\n", s->mixed ? ", \"c\": \"0.25 * a + 0.75 * b\"" : "");
}

/* -- Downstream -------------------------------------------------------------------------------- */

/* A task that trains nothing: k nearest neighbours among what its bank keeps. */
static void draw_bank(Sections *s, int64_t batch, Text *out)
{
	text_printf(
	    out,
	    "\t\t\t\"freeze\": [\"encoder\"],\n\t\t\t\"bank\": {\"kept\": \"encoder(x)\", \"of\": "
	    "\"label\"},\n\t\t\t\"metric\": \"accuracy(knn(encoder(x), kept, of, k=%d), "
	    "label)\",\n\t\t\t\"baselines\": [],\n\t\t\t\"train\": {\"batch\": %lld}\n\t\t}",
	    1 + (int)pick(s->t, 3), (long long)batch);
}

/* A metric of all test samples at once. */
static void draw_collect(Sections *s, Text *out)
{
	static const char *const METRICS[] = {
	    "mean(entropy(softmax(guess)))", "mean(sort(reshape(guess, [-1])) * 0.1)",
	    "accuracy(guess, of)", "mean(guess * one_hot(of, classes))"};
	text_printf(out,
	            "\t\t\t\"collect\": {\"guess\": \"head(encoder(x))\", \"of\": \"label\"},\n"
	            "\t\t\t\"metric\": \"%s\",\n",
	            METRICS[pick(s->t, s->labels == CLASS ? COUNT(METRICS) : 2)]);
}

/* True if any number of inputs will do. */
static bool draw_task_head(Sections *s, int64_t batch, int64_t width, Text *out)
{
	Form f = {.rank = 2, .dim = {batch, s->code.dim[1]}};
	Text chain = {0};
	s->d.left = 20000;
	bool drawn = chance(s->t, 1, 2);
	if (drawn)
		add_chain(&s->d, &f, 3, &chain);
	add_rows(&f, false, &chain);
	add_linear(&chain, width);
	text_printf(out, "\t\t\t\"head\": [%s],\n", chain.data);
	text_close(&chain);
	return !drawn;
}

static void draw_task(Sections *s, int number, Text *out)
{
	static const char *const BASELINES[] = {"", "\"random\"", "\"scratch\"", "\"raw\"",
	                                        "\"raw\", \"scratch\""};
	int64_t width, batch = 1 + pick(s->t, (uint32_t)(s->train < 9 ? s->train : 9));
	bool freezes = chance(s->t, 2, 3), is_class = s->labels == CLASS;
	text_printf(out, "%s\"task%d\": {\n", number ? ",\n\t\t" : "\n\t\t", number);
	if (is_class && chance(s->t, 1, 4)) {
		draw_bank(s, batch, out);
		return;
	}
	if (freezes)
		text_printf(out, "\t\t\t\"freeze\": [\"encoder\"],\n");
	const char *loss = label_loss(s, &width);
	bool takes_raw = draw_task_head(s, batch, width, out) && !s->p->tokens;
	text_printf(out, "\t\t\t\"loss\": \"");
	add_loss(out, loss, "head(encoder(x))");
	text_printf(out, "\",\n");
	if (is_class && chance(s->t, 1, 3))
		text_printf(out, "\t\t\t\"metric\": \"accuracy(head(encoder(x)), label)\",\n");
	else if (chance(s->t, 1, 3))
		draw_collect(s, out);
	if (chance(s->t, 1, 2)) {
		text_printf(out, "\t\t\t\"optimizer\": \"");
		draw_optimizer(&s->d, out);
		text_printf(out, "\",\n");
	}
	/* the head is drawn for codes, and raw tokens are no floats */
	uint32_t baselines = pick(s->t, takes_raw ? COUNT(BASELINES) : 3);
	text_printf(out, "\t\t\t\"baselines\": [%s],\n", BASELINES[baselines]);
	text_printf(out, "\t\t\t\"train\": {\"epochs\": 1, \"batch\": %lld}\n\t\t}", (long long)batch);
}

static void draw_downstream(Sections *s, Text *out)
{
	if (s->tiny || !s->p->classes || !chance(s->t, 1, 3))
		return;
	text_printf(out, "\t\"downstream\": {");
	int count = 1 + (int)pick(s->t, 2);
	for (int i = 0; i < count; i++)
		draw_task(s, i, out);
	text_printf(out, "\n\t},\n");
}

/* -- The whole --------------------------------------------------------------------------------- */

static void draw_options(Sections *s)
{
	Program *p = s->p;
	__builtin_cpu_init();
	static const char *const CPUS[] = {NULL, NULL, NULL, "x86-64-v2", "x86-64-v3"};
	p->cpu = CPUS[pick(s->t, COUNT(CPUS))];
	if (p->cpu && strcmp(p->cpu, "x86-64-v3") == 0 && !__builtin_cpu_supports("avx2"))
		p->cpu = NULL;
	p->bf16 = chance(s->t, 1, 10);
	p->chain_room = chance(s->t, 1, 4) ? 64u << pick(s->t, 6) : 0;
}

void program_draw(Tape *t, Program *out)
{
	*out = (Program){0};
	t->used = 0;
	Sections s = {.t = t, .p = out, .d = {.t = t, .left = 150000}};
	Text rest = {0};
	s.d.tiny = s.tiny = !chance(t, t->large, 16);
	draw_options(&s);
	draw_x(&s);
	text_printf(&out->model, "{\n\t\"name\": \"program\",\n");
	write_data(&s, &out->model);
	draw_views(&s);
	draw_encoder(&s);
	draw_loss(&s);
	if (s.trains_more && chance(t, 1, 10))
		text_printf(&rest, "\t\"freeze\": [\"encoder\"],\n");
	text_printf(&rest, "\t\"optimizer\": \"");
	draw_optimizer(&s.d, &rest);
	text_printf(&rest, "\",\n");
	if (chance(t, 1, 4))
		text_printf(&rest, "\t\"features\": \"%s\",\n",
		            chance(t, 1, 2) ? "normalize(encoder(x))"
		                            : "concat([encoder(x), encoder(x)], 1)");
	draw_downstream(&s, &rest);
	if (out->bf16)
		text_printf(&rest, "\t\"precision\": \"bf16\",\n");
	text_printf(&rest, "\t\"train\": {\"epochs\": %lld, \"batch\": %lld, \"seed\": %u%s}\n}\n",
	            (long long)s.epochs, (long long)s.batch, pick(t, 100),
	            chance(t, 1, 3) ? ", \"shuffle\": false" : "");
	text_printf(&out->model, "\t\"define\": {\n%s%s\t},\n", s.d.define.size ? s.d.define.data : "",
	            DEFINITIONS);
	text_printf(&out->model, "%s%s\t\"loss\": %s,\n%s", s.pretext.size ? s.pretext.data : "",
	            s.networks.data, s.loss.data, rest.data);
	out->gradients = !s.tiny || chance(t, 1, 6);
	Text *const texts[] = {&s.d.define, &s.pretext, &s.networks, &s.loss, &rest};
	for (size_t i = 0; i < COUNT(texts); i++)
		text_close(texts[i]);
	t->count = t->used < TAPE_MOST ? t->used : TAPE_MOST;
	t->draws = false;
}

void program_close(Program *p)
{
	text_close(&p->model);
}
