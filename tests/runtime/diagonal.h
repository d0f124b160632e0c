/* diagonal.h: a model that was written by hand: an autoencoder whose weights are a diagonal, with a
 * downstream task, as tables and C functions. Nothing of it comes from the compiler.
 *
 * y_i = w_i x_i, and the loss is the mean of (y_i - x_i)^2. A step of gradient descent multiplies
 * w_i - 1 by 1 - 2 rate m_i / D, where m_i is the mean of x_i^2 over the batch: so all weights are
 * known in closed form. The task trains a head h_i on y, with the same loss of h_i y_i: a step
 * multiplies h_i w_i - 1 by 1 - 2 rate w_i^2 m_i / D. */
#ifndef SSLC_TEST_DIAGONAL_H
#define SSLC_TEST_DIAGONAL_H

#include "../../runtime/model.h"

enum {
	D = 3,
	SAMPLES = 14,
	BATCH = 4,
	REST = SAMPLES % BATCH,
	EPOCH_STEPS = SAMPLES / BATCH,
	EPOCHS = 4,
	STEPS = EPOCHS * EPOCH_STEPS,
	TASK_EPOCHS = 2,
	TASK_STEPS = TASK_EPOCHS * EPOCH_STEPS,
};
static const double RATE = 0.1, TASK_RATE = 0.05;

/* The block of states. */
typedef struct Diagonal {
	float w[D];
	int32_t taken; /* "optimizer.taken": steps since init */
	float head[D]; /* of the task */
} Diagonal;

float first_weight(int i, uint64_t seed); /* what init sets */

/* All functions are there. */
extern const sslc_model diagonal;
/* The same, but each function is there only once it is prepared; none after `is_broken` is set. */
typedef struct OnDemand {
	sslc_model model;
	sslc_code code[8];
	int prepared;
	bool is_broken;
} OnDemand;
void on_demand(OnDemand *o);

#endif
