/* contract_plan.h: private to contract_*.c: the plan of a product while it is made. */
#ifndef SSLC_CONTRACT_PLAN_H
#define SSLC_CONTRACT_PLAN_H

#include "fuse.h"

enum { CONTRACT_RUN = 1024 /* steps that are added one after the other, at most, about */ };

typedef struct Planner {
	const Kernels *k;
	const Kernel *kernel;
	const Machine *machine;
	const ContractAxes *axes;
	const ContractTiling *t;
	ContractPlan *p;
	int64_t steps;   /* of all sums together */
	bool deep;       /* contract_is_deep */
	bool streams;    /* L is read along its rows, for few of R's */
	Source l_source; /* of L, unless it is copied */
} Planner;

/* Bytes of a cache, or of memory where there is none. */
static inline int64_t cache_bytes(int64_t bytes)
{
	return bytes ? bytes : INT64_MAX / 8;
}

/* Nothing is computed when it is read. */
bool contract_is_plain(const Planner *m, NodeId x);

/* contract_prefetch.c: once blocks are chosen: what is brought of operands, and by whom. */
void contract_choose_prefetch(Planner *m);

#endif
