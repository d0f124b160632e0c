/* gemm_peers.h: libraries that gemm.c compares with, found when it runs. */
#ifndef SSLC_GEMM_PEERS_H
#define SSLC_GEMM_PEERS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Case { /* b products: out [b,m,n] = x [b,m,k] y [b,k,n] */
	int64_t b, m, n, k;
	bool x_transposed, y_transposed; /* stored as [b,k,m], [b,n,k] */
} Case;

enum { MAX_PEERS = 4 };

typedef struct Peer Peer;
struct Peer {
	const char *name;
	char about[160]; /* version and the kernels it picked */
	bool (*prepare)(Peer *p, const Case *s, float *x, float *y, float *out);
	void (*multiply)(const Peer *p, const Case *s, const float *x, const float *y, float *out);
	void *function;         /* of the library */
	void *primitive, *at;   /* oneDNN's matmul */
	const struct Dnnl *api; /* the same */
};

/* Those that are there, each on one thread. as_is: they choose their kernels themselves. */
int peers_open(Peer peer[MAX_PEERS], bool as_is);

#endif
