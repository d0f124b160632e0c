/* model.c: a whole model at random: its data, views, networks, loss, optimizer, features and
 * downstream tasks. */
#include "programs.h"

#include <string.h>

/* What label is: a class, a class for each of some places, numbers. */
typedef enum Labels { CLASS, TAGS, NUMBERS, LABELS } Labels;

typedef struct Sections { /* of a model while it is drawn */
	Draw d;
	Tape *t;
	Program *p;
	Text pretext, networks, loss;
	Form x;    /* a batch */
	Form code; /* of encoder(x): [B, width] */
	int64_t batch, train, test, steps, epochs;
	const char *target; /* x as floats without axes but the batch's */
	bool again;         /* x is read twice, the second time under that name */
	bool views;         /* a and b are there */
	bool mixed;         /* and c, made of them */
	bool trains_more;   /* than the encoder */
	bool tiny;          /* a batch of few samples, a layer or two, no tasks */
	bool longs;         /* x has an axis of thousands */
	Labels labels;
} Sections;

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

/* One more layer of a chain. */
static void add_layer(Text *chain, const char *layer)
{
	text_printf(chain, "%s\"%s\"", chain->size ? ", " : "", layer);
}

static void add_linear(Text *chain, int64_t width)
{
	char layer[64];
	snprintf(layer, sizeof layer, "linear(%lld)", (long long)width);
	add_layer(chain, layer);
}

static void add_chain(Draw *d, Form *f, int most, Text *chain)
{
	Text more = {0};
	draw_chain(d, f, most, &more);
	text_printf(chain, "%s%s", chain->size ? ", " : "", more.data);
	text_close(&more);
}

static void add_rows(Form *f, bool pools, Text *chain)
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

/* A network from rows to rows of `width`; 0: any. Gives the width. */
static int64_t draw_head(Sections *s, const char *name, int64_t from, int64_t width)
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

/* -- Losses ------------------------------------------------------------------------------------ */

static void reconstruct(Sections *s)
{
	static const char *const DISTANCES[] = {"mse", "l1", "huber", "bce", "huber_at"};
	const char *distance = DISTANCES[pick(s->t, COUNT(DISTANCES))],
	           *of = s->views && chance(s->t, 1, 2) ? "a" : "x";
	int64_t size = form_size(&s->x) / s->batch;
	draw_head(s, "decoder", s->code.dim[1], size);
	if (chance(s->t, 1, 5) && !s->p->tokens)
		text_printf(&s->loss,
		            "{\"code\": \"encoder(x)\", \"y\": \"%s(decoder(code), %s) + 0.1 * "
		            "mean(grad(sum(code^2), x)^2)\"}",
		            distance, s->target);
	else if (chance(s->t, 1, 5) && s->x.rank == 3 && s->views && s->x.dim[1] % 2 == 0 &&
	         s->x.dim[2] % 2 == 0)
		text_printf(&s->loss,
		            "{\"keep\": \"patch_mask(x, 2)\", \"y\": \"mean((reshape(decoder(encoder(x * "
		            "keep)), shape(x)) - x)^2 * (1 - keep))\"}");
	else
		text_printf(&s->loss, "\"%s(decoder(encoder(%s)), %s)\"", distance, of, s->target);
}

static void contrast(Sections *s)
{
	static const char *const DISTANCES[] = {"nt_xent", "info_nce",        "barlow_twins",
	                                        "mse",     "negative_cosine", "byol_loss",
	                                        "vicreg",  "vicreg"};
	const char *distance = DISTANCES[pick(s->t, s->batch > 1 ? COUNT(DISTANCES) : 6)];
	draw_head(s, "projector", s->code.dim[1], 0);
	text_printf(&s->loss, "\"%s(projector(encoder(%s)), projector(encoder(%s))%s)\"", distance,
	            s->views ? "a" : "x", s->views ? "b" : "x",
	            strcmp(distance, "nt_xent") == 0 && chance(s->t, 1, 2) ? ", temperature=0.3" : "");
}

/* Losses of the library on two views q and k. */
static void published(Sections *s)
{
	static const char *const LOSSES[] = {
	    "simsiam_loss(q, k, stop_gradient(k), stop_gradient(q))",
	    "moco_loss(q, k, normal([5, dim(q, 1)]))",
	    "moco_v3_loss(q, k)",
	    "nnclr_loss(q, k, memory(k, dim(q, 0) + 3))",
	    "swav_loss(tanh(q), tanh(k))",
	    "dino_loss(q, k, running_center(k))",
	    "smooth_l1(q, k, 0.5)",
	    "kl_normal(q, tanh(k))",
	    "soft_cross_entropy(q, softmax(stop_gradient(k)))",
	    "0.1 * sum(select(diagonal(dim(q, 0)), q @ transpose(k, [1, 0]), 0)^2)",
	    "ctc_loss(reshape(concat([q, k, q * k], 1), [dim(q, 0), dim(q, 1), 3]), "
	    "iota([dim(q, 0), 2], 1) + 1, iota([dim(q, 0)]) % 2 + dim(q, 1), iota([dim(q, 0)]) % 2)",
	    "mean(soft_dtw(abs(reshape(q, [dim(q, 0), -1, 1]) - reshape(k, [dim(k, 0), 1, -1])), 0.5))",
	    "siglip_loss(q, k, 2, -1)",
	};
	draw_head(s, "projector", s->code.dim[1], 0);
	text_printf(&s->loss,
	            "{\"q\": \"projector(encoder(%s))\", \"k\": \"projector(encoder(%s))\", "
	            "\"y\": \"%s\"}",
	            s->views ? "a" : "x", s->views ? "b" : "x", LOSSES[pick(s->t, COUNT(LOSSES))]);
}

static void bootstrap(Sections *s)
{
	int64_t width = draw_head(s, "projector", s->code.dim[1], 0);
	const char *a = s->views ? "a" : "x", *b = s->views ? "b" : "x";
	draw_head(s, "predictor", width, width);
	static const char *const MOMENTA[] = {"0.9", "rising(0.9)", "if(training, 0.5, 1)"};
	const char *momentum = MOMENTA[pick(s->t, COUNT(MOMENTA))];
	text_printf(&s->d.define, "\t\t\"branch\": [\"encoder\", \"projector\"%s],\n",
	            chance(s->t, 1, 3) ? ", \"half_held\"" : "");
	text_printf(&s->loss,
	            "\"byol_loss(predictor(branch(%s)), ema(branch, %s)(%s)) + "
	            "byol_loss(predictor(branch(%s)), ema(branch, %s)(%s))\"",
	            a, momentum, b, b, momentum, a);
}

static void queue(Sections *s)
{
	int64_t width = draw_head(s, "projector", s->code.dim[1], 0), length = s->batch + pick(s->t, 9);
	text_printf(&s->d.define, "\t\t\"branch\": [\"encoder\", \"projector\", \"normalize\"],\n");
	text_printf(
	    &s->loss,
	    "{\"q\": \"branch(%s)\", \"k\": \"ema(branch, 0.8)(%s)\", \"queue\": \"state([%lld, "
	    "%lld], normal(0, 1))\", \"logits\": \"concat([sum(q * k, -1, keep=1), q @ "
	    "transpose(queue, [1, 0])], 1) / 0.5\", \"set queue\": \"slice(concat([k, queue], "
	    "0), 0, 0, %lld)\", \"y\": \"cross_entropy(logits, iota([dim(q, 0)]) * 0)\"}",
	    s->views ? "a" : "x", s->views ? "b" : "x", (long long)length, (long long)width,
	    (long long)length);
}

static void centers(Sections *s)
{
	int64_t width = draw_head(s, "projector", s->code.dim[1], 0);
	text_printf(&s->d.define, "\t\t\"branch\": [\"encoder\", \"projector\"],\n");
	text_printf(&s->loss,
	            "{\"s\": \"branch(%s)\", \"t\": \"ema(branch, 0.9)(%s)\", \"center\": "
	            "\"state([%lld], zeros)\", \"set center\": \"0.9 * center + 0.1 * mean(t, 0)\", "
	            "\"y\": \"-mean(sum(stop_gradient(softmax((t - center) / 0.5)) * log_softmax(s), "
	            "-1))\"}",
	            s->views ? "a" : "x", s->views ? "b" : "x", (long long)width);
}

/* What a head of how many numbers is asked for, of labels. */
static const char *label_loss(Sections *s, int64_t *width)
{
	static const char *const
	    CLASSES[] = {"cross_entropy(%s, label)", "cross_entropy(%s, label)",
	                 "mse(%s, one_hot(label, classes))"},
	    *const TAGGED[] = {"cross_entropy(split_last(%s, dim(label, 1)), label)",
	                       "bce(%s, cast(label % 2, 'float'))", "huber(%s, cast(label, 'float'))"},
	    *const NUMBERED[] = {"mse(%s, label)", "l1(tanh(%s), label)",
	                         "bce(%s, cast(label > 0, 'float'))"};
	uint32_t way = pick(s->t, 3);
	int64_t places = s->p->label.dim[0];
	*width = s->labels == CLASS          ? s->p->classes
	         : s->labels == TAGS && !way ? places * s->p->classes
	                                     : places;
	return s->labels == CLASS ? CLASSES[way] : s->labels == TAGS ? TAGGED[way] : NUMBERED[way];
}

static void add_loss(Text *out, const char *form, const char *guess)
{
	const char *at = strstr(form, "%s");
	text_add(out, form, (size_t)(at - form));
	text_printf(out, "%s%s", guess, at + 2);
}

static void supervised(Sections *s)
{
	int64_t width = 3;
	const char *form = s->p->classes ? label_loss(s, &width) : NULL;
	draw_head(s, "classifier", s->code.dim[1], width);
	text_printf(&s->loss, "\"");
	if (form)
		add_loss(&s->loss, form, "classifier(encoder(x))");
	else
		text_printf(&s->loss, "cross_entropy(classifier(encoder(x)), argmax(slice(concat([x, x, "
		                      "x], 1), 1, 0, 3)))");
	text_printf(&s->loss, "\"");
}

/* A number of the codes themselves: gradients are constants, or nearly. */
static void plain(Sections *s)
{
	static const char *const LOSSES[] = {"mean(encoder(x))",
	                                     "mean(encoder(x)^2)",
	                                     "sum(encoder(x)) / 4",
	                                     "mean(abs(encoder(x) - 0.5))",
	                                     "mean(reduce_max(encoder(x), 1))",
	                                     "sum(encoder(x) * encoder(x)) / size(encoder(x))",
	                                     "mean(encoder(x)) + 0.5 * mean(tanh(encoder(x)))",
	                                     ("mean(encoder(x)) + select(param([], zeros) >= ones([]), "
	                                      "mean(encoder(x)), 0)")};
	text_printf(&s->loss, "\"%s\"", LOSSES[pick(s->t, COUNT(LOSSES))]);
}

/* One more term in the last text of the loss. */
static void add_terms(Sections *s)
{
	static const char *const TERMS[] = {
	    "0.1 * mean(encoder(x)^2)",
	    "0.1 * mean(0 * x + encoder(x)[0, 0])",
	    "when(step < 1, mean(encoder(x)), 0.5 * mean(encoder(x)^2))",
	    "0.1 * scan(transpose(encoder(x), [1, 0]), zeros([dim(x, 0)]), leaky)[-1, 0]",
	    "0.1 * log(1 + sum(reduce_max(abs(encoder(x)), 0)))",
	    "0.1 * mse(encoder(c), stop_gradient(encoder(x)))",
	};
	uint32_t count = COUNT(TERMS) - !s->mixed;
	const char *term = TERMS[pick(s->t, s->p->tokens ? 1 : count)];
	size_t at = s->loss.size;
	while (s->loss.data[at - 1] != '"')
		at--;
	Text rest = {0};
	text_printf(&rest, "%s", s->loss.data + at - 1);
	Text all = {0};
	text_add(&all, s->loss.data, at - 1);
	text_printf(&all, " + %s%s", term, rest.data);
	text_close(&rest);
	text_close(&s->loss);
	s->loss = all;
}

static void draw_loss(Sections *s)
{
	void (*const METHODS[])(Sections *) = {plain,   reconstruct, contrast, bootstrap,   queue,
	                                       centers, supervised,  contrast, reconstruct, published};
	bool any = !s->tiny || chance(s->t, 1, 3);
	uint32_t method = any ? pick(s->t, COUNT(METHODS)) : 0;
	METHODS[method](s);
	s->trains_more = method > 0;
	if (any && chance(s->t, 1, 4))
		add_terms(s);
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
