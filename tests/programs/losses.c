/* losses.c: what a model at random is trained by. */
#include "sections.h"

#include <string.h>

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

/* A network of two values, used twice: the other value is given, or a default makes it. */
static void crossed(Sections *s)
{
	enum { GIVEN, COPIED, MADE, WAYS };
	static const char *const DEFAULT[WAYS] = {"", "=tanh(x)", "=linear(x, 3)"},
	                         *const FIRST[WAYS] = {"reader(near, m)", "reader(near)",
	                                               "reader(near)"},
	                         *const SECOND[WAYS] = {"reader(far, memory=tanh(m))",
	                                                "reader(memory=near)(far)", "reader(2 * far)"},
	                         *const AVERAGE[WAYS] = {"ema(reader(memory=m), 0.8)(far)",
	                                                 "ema(reader(memory=near), 0.8)(far)",
	                                                 "ema(reader, 0.8)(far)"};
	static const char *const LOSSES[] = {"mse(q, k)", "negative_cosine(q, k)",
	                                     "mean((q * stop_gradient(k) - k)^2)"};
	uint32_t way = pick(s->t, WAYS);
	Form f = {.rank = 2, .dim = {s->batch, s->code.dim[1]}};
	Text chain = {0};
	s->d.left = 20000;
	if (way == GIVEN && !afford(&s->d, form_size(&s->x) * f.dim[1]))
		way = COPIED;
	if (!s->tiny && chance(s->t, 1, 2))
		add_chain(&s->d, &f, 2, &chain);
	add_rows(&f, false, &chain);
	add_layer(&chain, chance(s->t, 1, 2) ? "meets(memory)" : "residual(meets(tanh(memory)))");
	add_linear(&chain, some_width(&s->d));
	text_printf(&s->networks, "\t\"reader(x, memory%s)\": [%s],\n", DEFAULT[way], chain.data);
	text_close(&chain);
	text_printf(&s->loss,
	            "{\"m\": \"%s\", \"near\": \"encoder(%s)\", \"far\": \"encoder(%s)\", \"q\": "
	            "\"%s\", \"k\": \"%s\", \"y\": \"%s\"}",
	            s->target, s->views ? "a" : "x", s->views ? "b" : "x", FIRST[way],
	            (chance(s->t, 1, 3) ? AVERAGE : SECOND)[way], LOSSES[pick(s->t, COUNT(LOSSES))]);
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

const char *label_loss(Sections *s, int64_t *width)
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

void add_loss(Text *out, const char *form, const char *guess)
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

void draw_loss(Sections *s)
{
	void (*const METHODS[])(Sections *) = {plain,       reconstruct, contrast,   bootstrap,
	                                       queue,       centers,     supervised, crossed,
	                                       reconstruct, published,   contrast};
	bool any = !s->tiny || chance(s->t, 1, 3);
	uint32_t method = any ? pick(s->t, COUNT(METHODS)) : 0;
	METHODS[method](s);
	s->trains_more = method > 0;
	if (any && chance(s->t, 1, 4))
		add_terms(s);
}
