/* features.c: the features of every sample of a split, as one NumPy array.
 *
 * The function works on whole batches; what pads the last one is cut off. */
#include "train.h"

#include <stdlib.h>
#include <string.h>

bool rows_gather(Call *call, Feed *feed, int64_t samples, unsigned char *const *rows, Watch *w,
                 Failure *f)
{
	const sslc_code *code = call->code;
	int64_t batch = code->output[0].dim[0];
	for (int64_t done = 0; done < samples; done += batch) {
		int signal = watch_signal(w);
		if (signal)
			return fail(f, FAILURE_SIGNAL + signal, "interrupted while making '%s'", code->name);
		if (!feed_next(feed, call, f))
			return false;
		call->engine->step = (int32_t)(done / batch);
		call_run(call);
		int64_t valid = samples - done < batch ? samples - done : batch;
		for (size_t i = 0; i < code->output_count; i++) {
			size_t row = code->output[i].bytes / (size_t)batch;
			memcpy(rows[i] + (size_t)done * row, call->output[i], (size_t)valid * row);
		}
	}
	return true;
}

static bool write_rows(Call *call, const Data *data, Split split, const char *path, Watch *w,
                       Failure *f)
{
	const sslc_tensor *t = &call->code->output[0];
	int64_t samples = data_count(data, split), batch = t->dim[0];
	PrefetchOrder order = {
	    .split = split, .batch = batch, .last_step = (samples + batch - 1) / batch};
	size_t bytes = t->bytes / (size_t)batch * (size_t)samples;
	unsigned char *rows = malloc(bytes + 1);
	if (!rows)
		return fail(f, FAILURE_SYSTEM, "no memory for the features: %zu bytes", bytes);
	Feed feed = {0};
	int64_t dim[SSLC_MAX_RANK];
	memcpy(dim, t->dim, sizeof dim);
	dim[0] = samples;
	char why[WHY];
	bool good =
	    feed_open(&feed, call, data, order, f) && rows_gather(call, &feed, samples, &rows, w, f);
	if (good && !npy_write(path, t->dtype, t->rank, dim, rows, why))
		good = fail(f, FAILURE_SYSTEM, "%s", why);
	feed_close(&feed);
	free(rows);
	return good;
}

bool features_write(Engine *e, const Data *data, Split split, const char *path, Watch *w,
                    Failure *f)
{
	Call call;
	bool good = call_open(&call, e, "features", f);
	if (good && (call.code->output_count == 0 || call.code->output[0].rank == 0))
		good = fail(f, FAILURE_WRONG,
		            "\"features\" of the model is one number a batch, not one row a sample");
	good = good && write_rows(&call, data, split, path, w, f);
	call_close(&call);
	return good;
}
