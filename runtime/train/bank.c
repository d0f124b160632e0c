/* bank.c: what a task keeps of every sample that it may learn from, in place of training: the rows
 * that T.bank makes of them, in the order of the split, for T.score to read. */
#include "train.h"

#include <stdlib.h>

static bool bank_rows(Bank *bank, const Call *call, int64_t samples, Failure *f)
{
	const sslc_code *code = call->code;
	int64_t batch = code->output[0].dim[0];
	bank->code = code;
	bank->rows = calloc(code->output_count + 1, sizeof *bank->rows);
	if (!bank->rows)
		return fail(f, FAILURE_SYSTEM, "no memory for the bank of %s", code->name);
	for (size_t i = 0; i < code->output_count; i++) {
		size_t bytes = code->output[i].bytes / (size_t)batch * (size_t)samples;
		if (!(bank->rows[i] = memory_new(bytes)))
			return fail(f, FAILURE_SYSTEM, "no memory for '%s' of %lld samples: %zu bytes",
			            code->output[i].name, (long long)samples, bytes);
	}
	return true;
}

bool bank_fill(Bank *bank, Engine *e, const Data *data, const sslc_task *task,
               const int64_t *chosen, Watch *w, Failure *f)
{
	char name[256];
	Call call;
	Feed feed = {0};
	*bank = (Bank){0};
	snprintf(name, sizeof name, "%s.bank", task->name);
	bool good = call_open(&call, e, name, f) && bank_rows(bank, &call, task->samples, f);
	int64_t batch = good ? call.code->output[0].dim[0] : 1;
	PrefetchOrder order = {
	    .split = SPLIT_TRAIN,
	    .batch = batch,
	    .last_step = (task->samples + batch - 1) / batch,
	    .chosen = chosen,
	    .chosen_count = task->samples,
	};
	good = good && feed_open(&feed, &call, data, order, f) &&
	       rows_gather(&call, &feed, task->samples, bank->rows, w, f);
	feed_close(&feed);
	call_close(&call);
	return good;
}

void bank_inputs(const Bank *bank, Call *call)
{
	char name[256];
	for (size_t i = 0; bank->rows && i < bank->code->output_count; i++) {
		snprintf(name, sizeof name, "bank.%s", bank->code->output[i].name);
		call_input(call, name, bank->rows[i]);
	}
}

void bank_close(Bank *bank)
{
	for (size_t i = 0; bank->rows && i < bank->code->output_count; i++)
		free(bank->rows[i]);
	free(bank->rows);
	*bank = (Bank){0};
}
