/* seeds.c: puts the scores of runs that differ by their seed alone together, so that what one run
 * shows can be told from its luck: weights, batches and the choice of labels.
 *
 * A score of all is the mean, and its values are the scores of the runs, in their order. So the
 * comparison of two rows pairs them by seed, as it pairs them by sample within one run (paired.c). */
#include "train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool begin(Scores *all, const Scores *run, size_t most, Failure *f)
{
	*all = (Scores){.split = run->split, .score = calloc(run->count + 1, sizeof *all->score)};
	bool good = all->score != NULL;
	for (size_t i = 0; good && i < run->count; i++) {
		Score *s = &all->score[all->count++];
		*s = (Score){.task = run->score[i].task, .variant = run->score[i].variant};
		s->value = calloc(most, sizeof *s->value);
		s->weight = calloc(most, sizeof *s->weight);
		good = s->value && s->weight;
	}
	return good || fail(f, FAILURE_SYSTEM, "no memory for the scores of %zu seeds", most);
}

/* The mean of `runs` numbers, of which `mean` was that of all but the last. */
static double step_mean(double mean, double last, size_t runs)
{
	return mean + (last - mean) / (double)runs;
}

bool scores_add(Scores *all, const Scores *run, size_t most, Failure *f)
{
	if (all->runs == 0 && !begin(all, run, most, f))
		return false;
	all->runs++;
	for (size_t i = 0; i < all->count; i++) {
		Score *s = &all->score[i];
		const Score *one = &run->score[i];
		s->value[s->values] = one->score;
		s->weight[s->values++] = 1;
		s->score = step_mean(s->score, one->score, all->runs);
		s->train_loss = step_mean(s->train_loss, one->train_loss, all->runs);
		s->seconds = step_mean(s->seconds, one->seconds, all->runs);
		s->samples = one->samples;
		s->commonest = one->commonest;
		bool lost = (s->diverged && !s->unscored) || (one->diverged && !one->unscored);
		s->diverged |= one->diverged;
		s->unscored = s->diverged && !lost;
		if (!s->why[0])
			memcpy(s->why, one->why, sizeof s->why);
	}
	return true;
}
