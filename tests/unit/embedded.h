/* embedded.h: an emitted object as the compiler would make it, but with functions in C whose
 * results are known in closed form. */
#ifndef SSLC_TEST_EMBEDDED_H
#define SSLC_TEST_EMBEDDED_H

#include "../../runtime/embed/embed.h"

/* The states, at their offsets; init sets w[i] = seed[0] + i and b[i] = seed[1]; a step on x adds x
 * to b, and what is there of m to x; the others stay 0. */
typedef struct EmbeddedStates {
	_Alignas(64) float w[6]; /* [2,3] */
	_Alignas(64) float b[3];
	_Alignas(64) int32_t count; /* of the optimizer: steps done */
	_Alignas(64) float m[3];    /* of the optimizer: the sum of all x */
	_Alignas(64) double probe;  /* of a task */
	_Alignas(64) uint8_t mask[2];
} EmbeddedStates;

enum { TENSOR_W, TENSOR_B, TENSOR_COUNT, TENSOR_M, TENSOR_PROBE, TENSOR_MASK, TENSORS };

extern const EmbedModel embedded;
/* x -> the sum of x, and b after the step. */
extern const EmbedFunction embedded_step;
/* x -> b + x */
extern const EmbedFunction embedded_encode;

enum { EMBEDDED_BYTES = 64 + 6 * 64 + 2 * 64 + 128 };

/* A block of the model with room around it that must stay as it is. */
typedef struct Embedded {
	_Alignas(64) unsigned char before[64], block[EMBEDDED_BYTES], behind[64];
} Embedded;
void embedded_open(Embedded *e, uint32_t seed_low, uint32_t seed_high); /* the model's block */
EmbeddedStates *embedded_states(Embedded *e);
/* One step on x = {1, 2, 3}; what the call returned. */
int32_t embedded_train(Embedded *e);
/* Whether nothing beside the block was written. */
int embedded_is_intact(const Embedded *e);

#endif
