/* bank.c: rows that are kept of samples, in the order of the split: T.bank's, of those that a task may
 * learn from, in place of training; T.collect's, of those that it is scored on. T.score reads them. */
#include "train.h"

#include <stdlib.h>

static bool bank_rows(Bank *bank, const Call *call, int64_t samples, Failure *f)
{
	const sslc_code *code = call->code;
	bank->samples = samples;
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

bool bank_fill(Bank *bank, Engine *e, const Data *data, const BankOrder *o, Watch *w, Failure *f)
{
	char name[256];
	Call call;
	Feed feed = {0};
	*bank = (Bank){.key = o->key};
	snprintf(name, sizeof name, "%s.%s", o->task, o->key);
	bool good = call_open(&call, e, name, f) && bank_rows(bank, &call, o->samples, f);
	int64_t batch = good ? call.code->output[0].dim[0] : 1;
	PrefetchOrder order = {
	    .split = o->split,
	    .batch = batch,
	    .last_step = (o->samples + batch - 1) / batch,
	    .chosen = o->chosen,
	    .chosen_count = o->samples,
	};
	if (good && o->other)
		bank_inputs(o->other, &call);
	good = good && feed_open(&feed, &call, data, order, f) &&
	       rows_gather(&call, &feed, o->samples, bank->rows, w, f);
	feed_close(&feed);
	call_close(&call);
	return good;
}

void bank_inputs(const Bank *bank, Call *call)
{
	char name[256];
	for (size_t i = 0; bank->rows && i < bank->code->output_count; i++) {
		snprintf(name, sizeof name, "%s.%s", bank->key, bank->code->output[i].name);
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
