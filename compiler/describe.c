/* describe.c: what a bound program is to the runtime: plain tables (model.h) of its states, functions,
 * tasks and ranges, and how its functions are compiled when they are first asked for. */
#include "program.h"

#include <string.h>

/* The file's name; NULL: no place. */
static const char *place(const sslc_program *p, Span at, unsigned *line, unsigned *column)
{
	if (!at.file)
		return NULL;
	diags_place(p->c.diags, at, line, column);
	return diags_name(p->c.diags, at.file);
}

static const sslc_state *states_of(sslc_program *p)
{
	const Bundle *b = p->bundle;
	sslc_state *state = new_array(p->c.arena, sslc_state, b->state_count + 1);
	for (size_t i = 0; i < b->state_count; i++) {
		const State *s = &b->state[i];
		sslc_state *to = &state[i];
		*to = (sslc_state){
		    .tensor = {.name = s->name, .dtype = type_info[s->type].name, .rank = s->shape.rank},
		    .offset = (size_t)s->offset,
		    .is_param = s->is_param,
		    .task = s->task ? b->task[s->task - 1].name : NULL,
		};
		memcpy(to->tensor.dim, s->shape.dim, sizeof s->shape.dim);
		to->tensor.bytes = (size_t)shape_size(s->shape) * type_info[s->type].size;
		to->file = place(p, s->origin, &to->line, &to->column);
	}
	return state;
}

static const sslc_range *ranges_of(sslc_program *p)
{
	const Bundle *b = p->bundle;
	sslc_range *range = new_array(p->c.arena, sslc_range, b->range_count + 1);
	for (size_t i = 0; i < b->range_count; i++) {
		const Range *r = &b->range[i];
		sslc_range *to = &range[i];
		*to = (sslc_range){.field = r->field, .function = r->graph, .below = r->below};
		to->file = place(p, r->origin, &to->line, &to->column);
		memcpy(to->first, r->part.first, sizeof to->first);
		memcpy(to->step, r->part.step, sizeof to->step);
		memcpy(to->count, r->part.count, sizeof to->count);
	}
	return range;
}

static sslc_training to_training(const Train *t, int64_t batch, int64_t steps)
{
	int64_t epochs = (int64_t)t->epochs.value;
	return (sslc_training){
	    .epochs = epochs,
	    .batch = batch,
	    .steps = steps,
	    .epoch_steps = steps / epochs,
	    .seed = (uint64_t)t->seed.value,
	    .shuffle = t->shuffle.value != 0,
	};
}

static const sslc_task *tasks_of(sslc_program *p)
{
	const Bundle *b = p->bundle;
	sslc_task *task = new_array(p->c.arena, sslc_task, b->task_count + 1);
	for (size_t i = 0; i < b->task_count; i++) {
		const BundleTask *t = &b->task[i];
		task[i] = (sslc_task){
		    .name = t->name,
		    .base = t->task->name,
		    .metric = t->metric,
		    .training = to_training(&t->task->train, t->batch, t->steps),
		    .samples = t->samples,
		    .per_class = t->task->labels.value < 1 ? 0 : (int64_t)t->task->labels.value,
		    .trains = t->task->loss != NULL,
		    .has_bank = t->task->bank != NULL,
		    .has_collect = t->task->collect != NULL,
		    .is_raw = t->is_raw,
		    .is_scratch = !t->freezes && !t->is_raw && strcmp(t->name, t->task->name) != 0,
		    .with_random = t->task->baseline_random,
		    .higher_is_better = t->higher_is_better,
		};
	}
	return task;
}

static void prepare(void *context, const char *const *names, size_t count)
{
	sslc_compile(context, names, count);
}

static StepTask peak(void *context, double *flops_per_tile)
{
	return sslc_peak_task(context, flops_per_tile);
}

static bool cause(void *context, const char *function, const char *state, const sslc_runner *runner,
                  sslc_cause *to)
{
	return find_cause(context, function, state, runner, to);
}

void describe_model(sslc_program *p)
{
	const Bundle *b = p->bundle;
	find_ranges(p->bundle);
	p->description = (sslc_model){
	    .name = p->model->name,
	    .text = p->source.data,
	    .state = states_of(p),
	    .state_count = b->state_count,
	    .states_bytes = (size_t)b->state_bytes,
	    .code = p->code,
	    .code_count = b->graph_count,
	    .pretraining = to_training(&p->model->train, b->batch, b->steps),
	    .task = tasks_of(p),
	    .task_count = b->task_count,
	    .range = ranges_of(p),
	    .range_count = b->range_count,
	    .prepare = prepare,
	    .peak = peak,
	    .cause = cause,
	    .context = p,
	};
}

const sslc_model *sslc_describe(const sslc_program *p)
{
	return p && p->bound ? &p->description : NULL;
}

/* -- A part of it ------------------------------------------------------------------------------ */

static const sslc_model nothing;

/* All zero before sslc_bind. */
static const sslc_model *described(const sslc_program *p)
{
	return p && p->bound ? &p->description : &nothing;
}

const sslc_state *sslc_states(const sslc_program *p, size_t *count)
{
	if (count)
		*count = described(p)->state_count;
	return described(p)->state;
}

size_t sslc_states_bytes(const sslc_program *p)
{
	return described(p)->states_bytes;
}

sslc_training sslc_pretraining(const sslc_program *p)
{
	return described(p)->pretraining;
}

const sslc_task *sslc_tasks(const sslc_program *p, size_t *count)
{
	if (count)
		*count = described(p)->task_count;
	return described(p)->task;
}

const sslc_range *sslc_ranges(const sslc_program *p, size_t *count)
{
	if (count)
		*count = described(p)->range_count;
	return described(p)->range;
}
