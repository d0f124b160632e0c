/* model.c: a whole model at random: its data, views, networks, loss, optimizer, features and
 * downstream tasks. */
#include "programs.h"

#include <string.h>

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
	bool trains_more;   /* than the encoder */
	bool tiny;          /* a batch of few samples, a layer or two, no tasks */
} Sections;

/* -- Data -------------------------------------------------------------------------------------- */

static int64_t some_batch(Tape *t, bool tiny)
{
	static const int64_t BATCHES[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  11,  13,  16,
	                                  17, 19, 23, 31, 32, 33, 48, 64, 67, 100, 128, 257};
	/* mostly small */
	return BATCHES[pick(t, tiny ? 5 : chance(t, 1, 4) ? COUNT(BATCHES) : 12)];
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
	if (kind == VECTOR) {
		strcpy(p->data, "normal");
		return;
	}
	strcpy(p->data, kind == IMAGE && chance(t, 1, 2) ? "idx" : "npy");
	strcpy(p->type, kind == IMAGE ? "u8" : kind == TOKENS ? "i32" : "f32");
	int64_t h = 2 + pick(t, 8), w = chance(t, 1, 2) ? h : 2 + (int64_t)pick(t, 8);
	if (kind == IMAGE)
		s->x = (Form){.rank = 3, .dim = {batch, h, w}};
	if (kind == PLANES)
		s->x = (Form){.rank = 4, .dim = {batch, h, w, 1 + pick(t, 4)}};
	if (kind == LINE)
		s->x = (Form){.rank = 3, .dim = {batch, 3 + pick(t, 20), 1 + pick(t, 5)}};
	if (kind == TOKENS) {
		s->x = (Form){.rank = 2, .dim = {batch, 1 + pick(t, 9)}};
		s->target = "cast(flatten(x), 'float')";
		p->tokens = 2 + pick(t, 9);
	}
	p->classes = 2 + pick(t, 5);
	s->test = p->classes + pick(t, 9);
	/* test=share holds out floor(all share): a share half a sample above what is meant */
	p->rank = s->x.rank;
	memcpy(p->dim, s->x.dim, sizeof p->dim);
	p->dim[0] = s->train + s->test;
	p->random = pick(t, 1000);
	s->again = chance(t, 1, 6);
}

static void write_data(Sections *s, Text *out)
{
	Program *p = s->p;
	if (!p->type[0])
		text_printf(out, "\t\"data\": \"normal(%lld, %lld, seed=%u)\",\n", (long long)s->train,
		            (long long)s->x.dim[1], pick(s->t, 5));
	else
		text_printf(out, "\t\"data\": \"%s('x.%s', 'label.%s'%s, test=%.6f)\",\n", p->data, p->data,
		            p->data,
		            s->again ? strcmp(p->data, "idx") == 0 ? ", again='x.idx'" : ", again='x.npy'"
		                     : "",
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
	f.dim[1] = some_width(&s->d);
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
		            i && s->again ? "again" : "x");
		text_close(&one);
	}
	text_printf(&s->pretext, "},\n");
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

static void supervised(Sections *s)
{
	bool labels = s->p->classes > 0;
	draw_head(s, "classifier", s->code.dim[1], labels ? s->p->classes : 3);
	if (labels && chance(s->t, 3, 4))
		text_printf(&s->loss, "\"cross_entropy(classifier(encoder(x)), label)\"");
	else if (labels)
		text_printf(&s->loss, "\"mse(classifier(encoder(x)), one_hot(label, classes))\"");
	else
		text_printf(&s->loss, "\"cross_entropy(classifier(encoder(x)), argmax(slice(concat([x, x, "
		                      "x], 1), 1, 0, 3)))\"");
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

static void draw_loss(Sections *s)
{
	void (*const METHODS[])(Sections *) = {plain,   reconstruct, contrast, bootstrap,   queue,
	                                       centers, supervised,  contrast, reconstruct, published};
	bool any = !s->tiny || chance(s->t, 1, 3);
	uint32_t method = any ? pick(s->t, COUNT(METHODS)) : 0;
	METHODS[method](s);
	s->trains_more = method > 0;
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
	static const char *const METRICS[] = {"accuracy(guess, of)", "mean(entropy(softmax(guess)))",
	                                      "mean(guess * one_hot(of, classes))"};
	text_printf(out,
	            "\t\t\t\"collect\": {\"guess\": \"head(encoder(x))\", \"of\": \"label\"},\n"
	            "\t\t\t\"metric\": \"%s\",\n",
	            METRICS[pick(s->t, COUNT(METRICS))]);
}

static void draw_task(Sections *s, int number, Text *out)
{
	static const char *const BASELINES[] = {"", "\"random\"", "\"raw\"", "\"scratch\"",
	                                        "\"raw\", \"scratch\""};
	int64_t classes = s->p->classes,
	        batch = 1 + pick(s->t, (uint32_t)(s->train < 9 ? s->train : 9));
	bool freezes = chance(s->t, 2, 3), regresses = chance(s->t, 1, 4);
	text_printf(out, "%s\"task%d\": {\n", number ? ",\n\t\t" : "\n\t\t", number);
	if (chance(s->t, 1, 4)) {
		draw_bank(s, batch, out);
		return;
	}
	if (freezes)
		text_printf(out, "\t\t\t\"freeze\": [\"encoder\"],\n");
	text_printf(out, "\t\t\t\"head\": [%s\"linear(%lld)\"],\n",
	            chance(s->t, 1, 3) ? "\"linear(5)\", \"batch_norm\", \"relu\", " : "",
	            (long long)classes);
	text_printf(out, "\t\t\t\"loss\": \"%s\",\n",
	            regresses ? "mse(head(encoder(x)), one_hot(label, classes))"
	                      : "cross_entropy(head(encoder(x)), label)");
	if (chance(s->t, 1, 3))
		text_printf(out, "\t\t\t\"metric\": \"accuracy(head(encoder(x)), label)\",\n");
	else if (chance(s->t, 1, 3))
		draw_collect(s, out);
	if (chance(s->t, 1, 2)) {
		text_printf(out, "\t\t\t\"optimizer\": \"");
		draw_optimizer(&s->d, out);
		text_printf(out, "\",\n");
	}
	/* raw tokens are no floats for the head */
	uint32_t baselines = pick(s->t, s->p->tokens ? 2 : COUNT(BASELINES));
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

static const char DEFINE[] =
    "\t\t\"embedding_of(x, count, width)\": \"embedding(cast((tanh(x) + 1) * (0.5 * count), "
    "'i32'), count, width)\",\n"
    "\t\t\"image(x)\": \"reshape(x, concat([shape(x), [1]]))\",\n"
    "\t\t\"signed(w, g, lr)\": \"w - lr * select(g > 0, 1, -1)\",\n"
    "\t\t\"layered(w, g, lr)\": \"adamw(w, g, lr * 0.8 ^ (layers(w) - 1 - layer_of(w)))\",\n"
    "\t\t\"alternating(w, g, lr)\": \"when(step < 1, adam(w, g, lr), if(is_named(w, '*.b'), w, w - "
    "lr * "
    "g))\",\n"
    "\t\t\"huber_at(x, y)\": \"huber(x, y, delta=0.3)\",\n"
    "\t\t\"leaky(h, e)\": \"0.5 * h + tanh(e)\",\n"
    "\t\t\"nested(h, e)\": \"tanh(0.5 * h + 0.1 * scan(e, zeros(shape(e[0])), leaky))\",\n"
    "\t\t\"paced(x)\": {\"r\": \"state([dim(x, -1)], zeros)\", \"set r\": \"0.5 * r + mean(x, "
    "leading_axes(x))\", \"y\": \"x - per_channel(x, r)\"},\n"
    "\t\t\"half_held(x)\": \"0.5 * (x + stop_gradient(tanh(x)))\",\n"
    "\t\t\"mean_of(x, f())\": \"0.5 * (x + f(x))\"\n";

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
	            DEFINE);
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
