/* diagonal.c: the functions and the tables of diagonal.h. */
#include "diagonal.h"

#include <string.h>

/* -- Functions --------------------------------------------------------------------------------- */

float first_weight(int i, uint64_t seed)
{
	return 1.5f + 0.5f * (float)i + 0.125f * (float)seed;
}

/* seed -> w, taken */
static void init(const StepBlock *b)
{
	Diagonal *s = b->states;
	const int32_t *seed = b->inputs[0];
	for (int i = 0; i < D; i++)
		s->w[i] = first_weight(i, (uint32_t)seed[0]);
	s->taken = 0;
}

/* One axis of a step: a tile of its own, so that a pool may take it. */
typedef struct Axes {
	const float *x;     /* [BATCH, D] */
	const float *scale; /* [D]: what the trained numbers are multiplied by; NULL: 1 */
	float *trained;     /* [D] */
	float *part;        /* [D]: each axis's part of the loss */
	float rate;
} Axes;

static void descend(void *args, int64_t begin, int64_t end)
{
	const Axes *a = args;
	for (int64_t i = begin; i < end; i++) {
		float scale = a->scale ? a->scale[i] : 1, gradient = 0;
		a->part[i] = 0;
		for (int n = 0; n < BATCH; n++) {
			float x = a->x[n * D + i], off = (a->trained[i] * scale - 1) * x;
			a->part[i] += off * off / (BATCH * D);
			gradient += 2 * off * scale * x / (BATCH * D);
		}
		a->trained[i] -= a->rate * gradient;
	}
}

static float take_step(const StepBlock *b, Axes a)
{
	float loss = 0;
	a.x = b->inputs[0];
	a.part = b->arena;
	if (b->parallel)
		b->parallel(b->pool, descend, &a, D);
	else
		descend(&a, 0, D);
	for (int i = 0; i < D; i++)
		loss += a.part[i];
	return loss;
}

/* x -> loss, w, taken */
static void step(const StepBlock *b)
{
	Diagonal *s = b->states;
	*(float *)b->outputs[0] = take_step(b, (Axes){.trained = s->w, .rate = (float)RATE});
	s->taken++;
}

/* x -> y */
static void features(const StepBlock *b)
{
	const Diagonal *s = b->states;
	const float *x = b->inputs[0];
	float *y = b->outputs[0];
	for (int n = 0; n < BATCH; n++)
		for (int i = 0; i < D; i++)
			y[n * D + i] = s->w[i] * x[n * D + i];
}

/* -> head */
static void task_init(const StepBlock *b)
{
	Diagonal *s = b->states;
	memset(s->head, 0, sizeof s->head);
}

/* x -> loss, head */
static void task_step(const StepBlock *b)
{
	Diagonal *s = b->states;
	*(float *)b->outputs[0] =
	    take_step(b, (Axes){.trained = s->head, .scale = s->w, .rate = (float)TASK_RATE});
}

/* x [batch, D] -> metric [], samples [batch] */
static void score(const StepBlock *b, int batch)
{
	const Diagonal *s = b->states;
	const float *x = b->inputs[0];
	float *metric = b->outputs[0], *sample = b->outputs[1];
	*metric = 0;
	for (int n = 0; n < batch; n++) {
		sample[n] = 0;
		for (int i = 0; i < D; i++) {
			float off = (s->head[i] * s->w[i] - 1) * x[n * D + i];
			sample[n] += off * off / D;
		}
		*metric += sample[n] / (float)batch;
	}
}

static void score_batch(const StepBlock *b)
{
	score(b, BATCH);
}

static void score_rest(const StepBlock *b)
{
	score(b, REST);
}

/* -- Tables ------------------------------------------------------------------------------------ */

#define SCALAR(n)                                                                                  \
	{                                                                                              \
		.name = n, .dtype = "f32", .bytes = 4                                                      \
	}
#define ROW(n, size)                                                                               \
	{                                                                                              \
		.name = n, .dtype = "f32", .rank = 1, .dim = {size}, .bytes = 4 * (size)                   \
	}
#define ROWS(n, batch)                                                                             \
	{                                                                                              \
		.name = n, .dtype = "f32", .rank = 2, .dim = {batch, D}, .bytes = 4 * (batch)*D            \
	}

static const sslc_tensor seed_input[] = {
    {.name = "seed", .dtype = "i32", .rank = 1, .dim = {2}, .bytes = 8}};
static const sslc_tensor x_batch[] = {ROWS("x", BATCH)}, x_rest[] = {ROWS("x", REST)};
static const sslc_tensor loss[] = {SCALAR("loss")}, y[] = {ROWS("features", BATCH)};
static const sslc_tensor scores[] = {SCALAR("metric"), ROW("samples", BATCH)};
static const sslc_tensor scores_rest[] = {SCALAR("metric"), ROW("samples", REST)};

#define IN(list)  .input = list, .input_count = sizeof list / sizeof *list
#define OUT(list) .output = list, .output_count = sizeof list / sizeof *list

static const sslc_code code[] = {
    {.name = "init", .call = init, IN(seed_input)},
    {.name = "step", .call = step, IN(x_batch), OUT(loss), .arena_bytes = sizeof(float[D])},
    {.name = "features", .call = features, IN(x_batch), OUT(y)},
    {.name = "probe.init", .call = task_init},
    {.name = "probe.step",
     .call = task_step,
     IN(x_batch),
     OUT(loss),
     .arena_bytes = sizeof(float[D])},
    {.name = "probe.score", .call = score_batch, IN(x_batch), OUT(scores)},
    {.name = "probe.score.rest", .call = score_rest, IN(x_rest), OUT(scores_rest)},
};
enum { CODES = sizeof code / sizeof *code };

static const sslc_state state[] = {
    {.tensor = ROW("encoder.w", D), .offset = offsetof(Diagonal, w), .is_param = true},
    {.tensor = {.name = "optimizer.taken", .dtype = "i32", .bytes = 4},
     .offset = offsetof(Diagonal, taken)},
    {.tensor = ROW("probe.head.w", D),
     .offset = offsetof(Diagonal, head),
     .is_param = true,
     .task = "probe"},
};

#define TRAINING(n)                                                                                \
	{                                                                                              \
		.epochs = n, .batch = BATCH, .steps = (n)*EPOCH_STEPS, .epoch_steps = EPOCH_STEPS,         \
		.seed = 3, .shuffle = true                                                                 \
	}

static const sslc_task task[] = {{.name = "probe",
                                  .base = "probe",
                                  .metric = "loss",
                                  .training = TRAINING(TASK_EPOCHS),
                                  .samples = SAMPLES,
                                  .trains = true,
                                  .with_random = true}};

const sslc_model diagonal = {
    .name = "diagonal",
    .text = "{\"name\": \"diagonal\"}\n",
    .state = state,
    .state_count = sizeof state / sizeof *state,
    .states_bytes = sizeof(Diagonal),
    .code = code,
    .code_count = CODES,
    .pretraining = TRAINING(EPOCHS),
    .task = task,
    .task_count = 1,
};

/* -- On demand --------------------------------------------------------------------------------- */

static void prepare(void *context, const char *const *names, size_t count)
{
	OnDemand *o = context;
	for (size_t i = 0; i < count && !o->is_broken; i++)
		for (int k = 0; k < CODES; k++)
			if (strcmp(code[k].name, names[i]) == 0 && !o->code[k].call) {
				o->code[k] = code[k];
				o->prepared++;
			}
}

void on_demand(OnDemand *o)
{
	_Static_assert(CODES <= sizeof o->code / sizeof *o->code, "room for all functions");
	*o = (OnDemand){.model = diagonal};
	for (int k = 0; k < CODES; k++)
		o->code[k].name = code[k].name;
	o->model.code = o->code;
	o->model.prepare = prepare;
	o->model.context = o;
}
