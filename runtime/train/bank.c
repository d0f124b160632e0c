/* bank.c: rows that are kept of samples, in the order of the split: T.bank's, of those that a task may
 * learn from, in place of training; T.collect's, of those that it is scored on, which T.score reads; and
 * T.encode's, which its training reads. */
#include "train.h"

#include <stdlib.h>
#include <string.h>

/* Bytes of a row of output i. */
static size_t row_bytes(const sslc_code *code, size_t i)
{
	return code->output[i].bytes / (size_t)code->output[i].dim[0];
}

static bool bank_rows(Bank *bank, const sslc_code *code, int64_t samples, Failure *f)
{
	bank->samples = samples;
	bank->code = code;
	bank->rows = calloc(code->output_count + 1, sizeof *bank->rows);
	if (!bank->rows)
		return fail(f, FAILURE_SYSTEM, "no memory for the bank of %s", code->name);
	for (size_t i = 0; i < code->output_count; i++) {
		size_t bytes = row_bytes(code, i) * (size_t)samples;
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
	bool good = call_open(&call, e, name, f) && bank_rows(bank, call.code, o->samples, f);
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

bool bank_like(Bank *bank, const Bank *from, Failure *f)
{
	*bank = (Bank){.key = from->key};
	return bank_rows(bank, from->code, from->samples, f);
}

void bank_copy(const Bank *bank, int64_t to, const Bank *of, int64_t from, size_t i)
{
	size_t row = row_bytes(of->code, i);
	memcpy(bank->rows[i] + (size_t)to * row, of->rows[i] + (size_t)from * row, row);
}

/* One in [0, below). */
static int64_t pick(uint32_t bits, int64_t below)
{
	return (int64_t)((double)bits * 0x1p-32 * (double)below);
}

/* A group is drawn whole; the last one, of which there may not be room for all, from any of its samples on. */
void bank_resample(Bank *bank, const Bank *from, const Groups *g, uint32_t round)
{
	int64_t n = from->samples, s = 0;
	for (int64_t draw = 0; s < n; draw++) {
		uint32_t bits[4], at[4] = {(uint32_t)draw, (uint32_t)(draw >> 32), round, 0};
		philox4x32(at, (uint32_t[2]){0x65666e6f, 0x72657361}, bits); /* any key */
		int64_t drawn = pick(bits[0], g->at ? g->count : n);
		int64_t first = g->at ? g->first[drawn] : drawn,
		        size = g->at ? g->first[drawn + 1] - first : 1, begin = pick(bits[1], size);
		for (int64_t k = 0; k < size && s < n; k++, s++) {
			int64_t member = first + (begin + k) % size;
			for (size_t i = 0; i < from->code->output_count; i++)
				bank_copy(bank, s, from, g->at ? g->at[member] : member, i);
		}
	}
}

void bank_close(Bank *bank)
{
	for (size_t i = 0; bank->rows && i < bank->code->output_count; i++)
		free(bank->rows[i]);
	free(bank->rows);
	*bank = (Bank){0};
}
