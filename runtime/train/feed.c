/* feed.c: hands the batches of a Prefetch to a call, by the names of the fields. */
#include "train.h"

bool feed_open(Feed *feed, const Data *data, PrefetchOrder order, Failure *f)
{
	char why[WHY];
	*feed = (Feed){.data = data, .prefetch = prefetch_open(data, &order, why)};
	return feed->prefetch || fail(f, FAILURE_SYSTEM, "%s", why);
}

bool feed_next(Feed *feed, Call *call, Failure *f)
{
	const void *const *field = prefetch_next(feed->prefetch);
	if (!field)
		return fail(f, FAILURE_SYSTEM, "the batches of %s ended early", call->code->name);
	const sslc_data *shape = data_shape(feed->data);
	for (size_t i = 0; i < shape->count; i++)
		call_input(call, shape->field[i].name, field[i]);
	return true;
}

void feed_close(Feed *feed)
{
	prefetch_close(feed->prefetch);
	*feed = (Feed){0};
}
