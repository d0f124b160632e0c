/* encoded.c: what a task's training makes of each sample that is the same in every epoch (T.encode), made once: its rows are
 * kept, and gathered into batches for T.step.encoded. */
#include "train.h"

#include <stdlib.h>
#include <string.h>

bool task_encodes(const Engine *e, const sslc_task *task)
{
	char name[256];
	snprintf(name, sizeof name, "%s.encode", task->name);
	return engine_function(e, name) != NULL;
}

/* Where the row of each sample of the split is. */
static bool find_rows(Encoded *n, const Data *data, const BankOrder *o, Failure *f)
{
	if (!o->chosen)
		return true;
	size_t bytes = (size_t)data_count(data, o->split) * sizeof *n->row_of;
	if (!(n->row_of = malloc(bytes + 1)))
		return fail(f, FAILURE_SYSTEM, "no memory for the rows of samples: %zu bytes", bytes);
	for (int64_t i = 0; i < o->samples; i++)
		n->row_of[o->chosen[i]] = (int32_t)i;
	return true;
}

static bool batch_like(Bank *batch, const Bank *all, Failure *f)
{
	Bank one = *all;
	one.samples = all->code->output[0].dim[0];
	return bank_like(batch, &one, f);
}

bool encoded_open(Encoded *n, Engine *e, const Data *data, const BankOrder *o, Watch *w, Failure *f)
{
	*n = (Encoded){0};
	return find_rows(n, data, o, f) && bank_fill(&n->all, e, data, o, w, f) &&
	       batch_like(&n->batch, &n->all, f);
}

void encoded_inputs(const Encoded *n, Call *call)
{
	bank_inputs(&n->batch, call);
}

void encoded_batch(const Encoded *n, const Feed *feed)
{
	const int32_t *number = n->all.rows ? prefetch_numbers(feed->prefetch) : NULL;
	for (size_t i = 0; number && i < n->all.code->output_count; i++)
		for (int64_t place = 0; place < n->batch.samples; place++) {
			int64_t from = n->row_of ? n->row_of[number[place]] : number[place];
			bank_copy(&n->batch, place, &n->all, from, i);
		}
}

void encoded_close(Encoded *n)
{
	bank_close(&n->all);
	bank_close(&n->batch);
	free(n->row_of);
	*n = (Encoded){0};
}
