/* monitor.c: what training looks like: the features of the batch of the step, by the function that
 * sslc features runs, what is wrong with them, in words; and what the function "monitor" says. */
#include "train.h"

#include <math.h>
#include <stdlib.h>

#include "spectrum.h"

enum {
	MOST_ROWS = 256,
	MOST_COLUMNS = 4096
}; /* of a batch: what is measured takes their product times the smaller */
static const double NO_SPREAD = 0.02; /* feature_std below this is a collapse */
static const double NO_RANK = 1.5;    /* of more than 4 dimensions, or */
static const double NO_SHARE = 0.03;  /* of the most that a batch can show (Jing et al. 2022) */

bool monitor_open(Monitor *m, Engine *e, Failure *f)
{
	*m = (Monitor){.rank = NAN, .std = NAN, .uniformity = NAN};
	if (engine_function(e, "monitor") && !call_open(&m->training, e, "monitor", f))
		return false;
	if (!call_open(&m->features, e, "features", f)) {
		if (f->text[0])
			fail_help(f, "--monitor looks at \"features\", which is encoder(x) if not given");
		return false;
	}
	const sslc_tensor *t = &m->features.code->output[0];
	size_t rows = t->rank ? (size_t)t->dim[0] : 0;
	m->columns = rows ? t->bytes / sizeof(float) / rows : 0;
	m->rows = rows < MOST_ROWS ? rows : MOST_ROWS;
	if (m->rows < 2 || !m->columns)
		return fail(f, FAILURE_WRONG, "--monitor needs features of two samples or more a batch");
	if (m->columns > MOST_COLUMNS)
		return fail(f, FAILURE_WRONG, "--monitor takes features of at most %d numbers, not %zu",
		            MOST_COLUMNS, m->columns);
	return true;
}

void monitor_look(Monitor *m, const Feed *feed)
{
	if (m->training.code) {
		feed_repeat(feed, &m->training);
		call_run(&m->training);
	}
	feed_repeat(feed, &m->features);
	call_run(&m->features);
	const float *x = m->features.output[0];
	m->rank = rank_me(x, m->rows, m->columns);
	m->std = feature_std(x, m->rows, m->columns);
	m->uniformity = uniformity(x, m->rows, m->columns);
}

bool monitor_collapse(const Monitor *m, char text[512])
{
	size_t most = m->rows < m->columns ? m->rows : m->columns;
	if (m->std < NO_SPREAD)
		snprintf(
		    text, 512,
		    "complete collapse: all samples have nearly the same features (spread %.2g, where "
		    "1 is\n"
		    "            even). Likely, nothing in the loss keeps them apart (other samples to "
		    "be told from, a\n"
		    "            variance term, a target that no gradient reaches), or the learning "
		    "rate is too high",
		    m->std);
	else if (m->columns > 4 && m->rank < fmax(NO_RANK, NO_SHARE * (double)most))
		snprintf(text, 512,
		         "dimensional collapse: the features use %.1f of %zu dimensions. Likely, nothing "
		         "in the loss\n"
		         "            keeps dimensions apart (a covariance term, other samples to be told "
		         "from, a projector\n"
		         "            behind the encoder), or the views share little that tells samples "
		         "apart",
		         m->rank, m->columns);
	else
		return false;
	return true;
}

void monitor_close(Monitor *m)
{
	call_close(&m->training);
	call_close(&m->features);
}
