/* test_contract.c: generated matrix products against a triple loop in double, over the shapes where
 * tiles end.
 *
 * Products of bf16 are exact in f32, so the bound on their sums is the same, but for numbers below
 * 2^-126, of which there are none here. */
#include <CUnit/CUnit.h>
#include <math.h>
#include <sys/mman.h>

#include "jit_contract.h"
#include "share.h"

/* Address of element (b, m, n, k) of an operand stored in the order `axes`. */
static int64_t offset(const Product *p, const char *axes, int64_t b, int64_t m, int64_t n,
                      int64_t k)
{
	int64_t at = 0;
	for (; *axes; axes++)
		at = at * product_size(p, *axes) + (*axes == 'b'   ? b
		                                    : *axes == 'm' ? m
		                                    : *axes == 'n' ? n
		                                                   : k);
	return at;
}

/* Of operands; results and biases of bf16 are f32. */
static double get(DType type, const void *x, int64_t i)
{
	if (type == DTYPE_bf16) {
		uint32_t bits = (uint32_t)((const uint16_t *)x)[i] << 16;
		float value;
		memcpy(&value, &bits, sizeof value);
		return (double)value;
	}
	return type == DTYPE_f64 ? ((const double *)x)[i] : (double)((const float *)x)[i];
}

static DType result_type(const Product *p)
{
	return p->type == DTYPE_bf16 ? DTYPE_f32 : p->type;
}

enum { PAGE = 4096 };

static size_t pages_for(DType type, int64_t count)
{
	return ((size_t)count * type_info[type].size + PAGE - 1) / PAGE * PAGE;
}

/* Pages before one that must not be touched. */
static uint8_t *guarded(size_t pages)
{
	uint8_t *at =
	    mmap(NULL, pages + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CU_ASSERT_FATAL(at != MAP_FAILED);
	CU_ASSERT_FATAL(mprotect(at + pages, PAGE, PROT_NONE) == 0);
	return at;
}

/* At the very end of what may be read. */
static void *numbers(DType type, int64_t count, uint32_t seed)
{
	size_t pages = pages_for(type, count);
	void *x = guarded(pages) + pages - (size_t)count * type_info[type].size;
	for (int64_t i = 0; i < count; i++) {
		seed = seed * 1664525 + 1013904223;
		double value = (double)(int32_t)seed * 0x1p-31;
		if (type == DTYPE_f64)
			((double *)x)[i] = value;
		else if (type == DTYPE_bf16)
			((uint16_t *)x)[i] = (uint16_t)(0x3E80 | (seed >> 16 & 0x81FF)); /* 0.25 to 2 */
		else
			((float *)x)[i] = (float)value;
	}
	return x;
}

/* At the very end of what may be touched, and full of what no sum survives. */
static void *guarded_scratch(int64_t bytes)
{
	static uint8_t *at;
	static size_t mapped;
	munmap(at, mapped);
	size_t pages = ((size_t)bytes + PAGE - 1) / PAGE * PAGE;
	mapped = pages + PAGE;
	at = guarded(pages);
	memset(at, 0xFF, pages);
	return at + pages - (size_t)bytes / 64 * 64;
}

static void forget(void *x, DType type, int64_t count)
{
	size_t pages = pages_for(type, count), bytes = (size_t)count * type_info[type].size;
	munmap((uint8_t *)x + bytes - pages, pages + PAGE);
}

static int64_t at_least_one(int64_t x)
{
	return x ? x : 1;
}

static double truth(const Product *p, const void *x, const void *y, const void *bias, int64_t b,
                    int64_t m, int64_t n)
{
	long double sum = 0; /* of doubles: more than they hold */
	for (int64_t k = 0; k < p->k; k++)
		sum += get(p->type, x, offset(p, p->x, b, m, n, k)) *
		       get(p->type, y, offset(p, p->y, b, m, n, k));
	sum *= p->doubled ? 2 : 1;
	if (p->epilogue == BIAS_RELU)
		return fmax(sum + get(result_type(p), bias, n), 0);
	return p->epilogue == LONG ? exp(tanh(sum + get(result_type(p), bias, n))) : sum;
}

/* Elements of the result that are wrong, and any element beyond it that was written. */
static int64_t wrong(const Product *p, const void *x, const void *y, const void *bias,
                     const void *out)
{
	int64_t count = 0, i = 0;
	double bound =
	    (p->type == DTYPE_f64 ? 0x1p-48 : 0x1p-19) * sqrt((double)p->k) * (p->doubled ? 2 : 1);
	bound *= p->k > 64 ? sqrt((double)p->k / 64) : 1; /* sums grow, and their last place */
	bound *= p->type == DTYPE_bf16 ? 4 : 1;           /* products to 4, not to 1 */
	bound *= p->epilogue == LONG ? 3 : 1;
	for (int64_t b = 0; b < at_least_one(p->b); b++)
		for (int64_t m = 0; m < at_least_one(p->m); m++)
			for (int64_t n = 0; n < at_least_one(p->n); n++, i++)
				count +=
				    !(fabs(get(result_type(p), out, i) - truth(p, x, y, bias, b, m, n)) <= bound);
	for (int64_t after = i; after < i + 64; after++)
		count += get(result_type(p), out, after) != -77;
	return count;
}

static void *blank(const Product *p, int64_t count)
{
	void *out = malloc((size_t)count * 8);
	for (int64_t i = 0; i < count; i++)
		if (p->type == DTYPE_f64)
			((double *)out)[i] = -77;
		else
			((float *)out)[i] = -77;
	return out;
}

enum { SCHEDULED = -1 }; /* mc: the schedule's tiles */

static bool is_right(Product p)
{
	if (!case_runs())
		return true;
	p.mc = p.mc ? p.mc : 192, p.nc = p.nc ? p.nc : 256, p.kc = p.kc ? p.kc : 256;
	p.mc = p.mc == SCHEDULED ? 0 : p.mc;
	p.scratch_at = guarded_scratch;
	CompiledProduct c;
	product_compile(&c, &p, NULL);
	int64_t b = at_least_one(p.b), m = at_least_one(p.m), n = at_least_one(p.n);
	void *x = numbers(p.type, b * m * p.k, 1), *y = numbers(p.type, b * n * p.k, 2),
	     *bias = numbers(result_type(&p), n, 3);
	void *whole = blank(&p, b * m * n + 64), *cut = blank(&p, b * m * n + 64);
	c.f(x, y, bias, whole, 0, c.tiles);
	for (int64_t t = c.tiles; t > 0; t--) /* the other way round, one by one: the same bits */
		c.f(x, y, bias, cut, t - 1, t);
	size_t bytes = (size_t)(b * m * n) * type_info[result_type(&p)].size;
	bool right = wrong(&p, x, y, bias, whole) == 0 && memcmp(whole, cut, bytes) == 0;
	if (!right)
		fprintf(stderr, "x %s y %s b %ld m %ld n %ld k %ld cpu %s\n", p.x, p.y, (long)p.b,
		        (long)p.m, (long)p.n, (long)p.k, p.cpu ? p.cpu : "native");
	forget(x, p.type, b * m * p.k), forget(y, p.type, b * n * p.k);
	forget(bias, result_type(&p), n), free(whole), free(cut);
	product_close(&c);
	return right;
}

static const int64_t SIZES[] = {1, 2, 3, 5, 7, 13, 15, 16, 17, 31, 33, 64, 100, 301};

/* Every size in every place, the others drawn from the list. */
static void all_sizes_of(DType type, const char *cpu)
{
	static const char *const X[] = {"mk", "km"}, *const Y[] = {"kn", "nk"};
	unsigned draw = 0;
	for (size_t i = 0; i < COUNT(SIZES); i++)
		for (unsigned place = 0; place < 3; place++) {
			draw = draw * 75 + 74;
			int64_t size[3] = {SIZES[draw / 3 % COUNT(SIZES)], SIZES[draw / 91 % COUNT(SIZES)],
			                   SIZES[draw / 7 % COUNT(SIZES)]};
			size[place] = SIZES[i];
			Product p = {.m = size[0], .n = size[1], .k = size[2], .type = type, .cpu = cpu};
			p.x = X[draw / 17 % 2], p.y = Y[draw / 19 % 2];
			CU_ASSERT(is_right(p));
		}
}

static void all_sizes(void)
{
	all_sizes_of(DTYPE_f32, NULL);
}

/* Rows, columns and k in several blocks, none of equal sizes. */
static void blocks_of_everything(void)
{
	for (int order = 0; order < 4; order++) {
		Product p = {
		    .m = 101, .n = 150, .k = 301, .mc = 45, .nc = 64, .kc = 100, .type = DTYPE_f32};
		p.x = order & 1 ? "km" : "mk", p.y = order & 2 ? "nk" : "kn";
		CU_ASSERT(is_right(p));
		p.epilogue = BIAS_RELU, p.type = DTYPE_f64;
		CU_ASSERT(is_right(p));
		p.epilogue = LONG, p.type = DTYPE_f32, p.mc = 28, p.nc = 150;
		CU_ASSERT(is_right(p));
		p.k = 65, p.kc = 32;
		CU_ASSERT(is_right(p));
	}
}

static void all_orders_of_axes(void)
{
	static const char *const X[] = {"bmk", "bkm", "mbk", "mkb", "kbm", "kmb"};
	static const char *const Y[] = {"bkn", "bnk", "kbn", "knb", "nbk", "nkb"};
	for (int x = 0; x < 6; x++)
		for (int y = 0; y < 6; y += 1 + x % 2) {
			Product p = {
			    .b = 3, .m = 19, .n = 21, .k = 37, .x = X[x], .y = Y[y], .type = DTYPE_f32};
			p.epilogue = (Epilogue)((x + y) % 3);
			CU_ASSERT(is_right(p));
		}
}

static void sides_without_a_free_axis(void)
{
	for (int64_t k = 1; k < 400; k = k * 3 + 2) {
		CU_ASSERT(is_right((Product){.m = 50, .k = k, .x = "mk", .y = "k", .type = DTYPE_f32}));
		CU_ASSERT(is_right((Product){.m = 50, .k = k, .x = "km", .y = "k", .type = DTYPE_f64}));
		CU_ASSERT(is_right((Product){.n = 50, .k = k, .x = "k", .y = "kn", .type = DTYPE_f32}));
		CU_ASSERT(is_right((Product){.k = k, .x = "k", .y = "k", .type = DTYPE_f32}));
		CU_ASSERT(is_right((Product){.b = 5, .k = k, .x = "bk", .y = "kb", .type = DTYPE_f32}));
		CU_ASSERT(
		    is_right((Product){.b = 4, .m = 9, .k = k, .x = "bmk", .y = "bk", .type = DTYPE_f32}));
	}
}

static void operands_are_computed_while_packed(void)
{
	for (int order = 0; order < 4; order++) {
		Product p = {.m = 40, .n = 70, .k = 45, .type = DTYPE_f32, .doubled = true};
		p.x = order & 1 ? "km" : "mk", p.y = order & 2 ? "nk" : "kn";
		CU_ASSERT(is_right(p));
	}
}

/* Large enough that packing pays; rows that meet on lines of L1. */
static void large_sides_are_packed(void)
{
	Product p = {.m = 50, .n = 260, .k = 300, .x = "mk", .y = "kn", .type = DTYPE_f32};
	CU_ASSERT(is_right(p));
	p.epilogue = LONG, p.doubled = true, p.k = 1050;
	CU_ASSERT(is_right(p));
	CU_ASSERT(
	    is_right((Product){.m = 1024, .n = 33, .k = 272, .x = "km", .y = "kn", .type = DTYPE_f32}));
	CU_ASSERT(
	    is_right((Product){.m = 512, .n = 9, .k = 260, .x = "km", .y = "nk", .type = DTYPE_f64}));
}

/* Rows across memory and a long sum over more bytes than a core keeps. */
static void deep_sums_are_packed(void)
{
	for (int i = 0; i < 6; i++) {
		Product p = {.m = i & 1 ? 521 : 270, .n = 90, .k = 1101, .x = "km", .y = "kn"};
		p.type = i & 1 ? DTYPE_f32 : DTYPE_f64, p.epilogue = (Epilogue)(i % 3);
		p.y = i < 4 ? "kn" : "nk";
		CU_ASSERT(is_right(p));
	}
}

/* Whole lines of both, which are packed while the block before is multiplied; the last block of
 * sums is shorter, the last tile of columns narrower; one scratch has no room for it. */
static void blocks_are_packed_on_the_way(void)
{
	static const struct {
		int64_t m, n, k, mc, nc;
	} CASES[] = {{192, 192, 1101, 48, 192}, {192, 320, 1030, 96, 192}, {384, 576, 1601, 192, 192},
	             {96, 200, 2050, 96, 96},   {192, 784, 775, 64, 80},   {800, 32, 769, 80, 32}};
	for (size_t i = 0; i < COUNT(CASES); i++) {
		Product p = {.m = CASES[i].m, .n = CASES[i].n, .k = CASES[i].k, .x = "km", .y = "kn"};
		p.mc = CASES[i].mc, p.nc = CASES[i].nc, p.type = DTYPE_f32, p.epilogue = (Epilogue)(i % 3);
		CU_ASSERT(is_right(p));
		p.scratch = i & 1 ? 1 << 18 : 1 << 16;
		CU_ASSERT(is_right(p));
		p.scratch = 0, p.type = i & 1 ? DTYPE_f32 : DTYPE_f64, p.cpu = i & 1 ? "x86-64-v3" : NULL;
		CU_ASSERT(is_right(p));
	}
}

/* Blocks of k are all alike, and the first of a tile is packed while the last of the one before it
 * is multiplied: of the same batch or the next, with columns as many or fewer. */
static void the_next_tile_is_packed_on_the_way(void)
{
	static const struct {
		int64_t b, m, n, k, mc, nc;
		const char *x, *y;
	} CASES[] = {
	    {0, 192, 320, 1280, 96, 192, "km", "kn"},   {0, 384, 576, 1024, 192, 192, "km", "kn"},
	    {3, 192, 192, 1280, 96, 192, "bkm", "bkn"}, {2, 112, 192, 1280, 112, 96, "kbm", "bkn"},
	    {2, 192, 208, 1280, 192, 96, "bkm", "kbn"}, {2, 192, 384, 1024, 96, 192, "kbm", "kbn"}};
	for (size_t i = 0; i < COUNT(CASES); i++) {
		Product p = {.b = CASES[i].b, .m = CASES[i].m, .n = CASES[i].n, .k = CASES[i].k};
		p.x = CASES[i].x, p.y = CASES[i].y, p.mc = CASES[i].mc, p.nc = CASES[i].nc;
		p.type = DTYPE_f32, p.epilogue = (Epilogue)(i % 3);
		CU_ASSERT(is_right(p));
		p.type = i & 1 ? DTYPE_f32 : DTYPE_f64, p.cpu = i & 1 ? "x86-64-v3" : NULL;
		CU_ASSERT(is_right(p));
	}
}

/* As a model's products: many and few columns, along k or not, deep or not, several batches. */
static void tiles_of_the_schedule(void)
{
	static const int64_t SHAPES[][4] = {
	    {0, 530, 192, 70},  {0, 150, 48, 900},  {0, 70, 1000, 130}, {0, 192, 192, 1024},
	    {0, 260, 130, 800}, {0, 33, 300, 1000}, {3, 130, 144, 60},  {2, 192, 192, 769},
	};
	for (size_t i = 0; i < COUNT(SHAPES); i++)
		for (int order = 0; order < 4; order++) {
			Product p = {.b = SHAPES[i][0], .m = SHAPES[i][1], .n = SHAPES[i][2]};
			p.k = SHAPES[i][3], p.mc = SCHEDULED, p.type = DTYPE_f32;
			p.x = order & 1 ? "bkm" : "bmk", p.y = order & 2 ? "bnk" : "bkn";
			p.x += p.b == 0, p.y += p.b == 0;
			p.epilogue = (Epilogue)((i + (size_t)order) % 3);
			CU_ASSERT(is_right(p));
		}
}

/* Results that a core does not keep: their lines are asked for between steps of k, which rows of a
 * register tile do not share evenly; of few steps, or in several blocks, all at once. */
static void results_from_afar(void)
{
	static const int64_t STEPS[] = {64, 67, 130, 300, 1030};
	for (size_t i = 0; i < COUNT(STEPS); i++)
		for (int order = 0; order < 4; order++) {
			Product p = {.m = 523, .n = 331, .k = STEPS[i], .mc = SCHEDULED, .type = DTYPE_f32};
			p.x = order & 1 ? "km" : "mk", p.y = order & 2 ? "nk" : "kn";
			p.epilogue = (Epilogue)((i + (size_t)order) % 3), p.cpu = i & 1 ? "x86-64-v3" : NULL;
			CU_ASSERT(is_right(p));
		}
}

static void little_scratch_will_do(void)
{
	static const int64_t BYTES[] = {-1, 64, 4096, 1 << 15, 1 << 17};
	for (size_t i = 0; i < COUNT(BYTES); i++)
		for (int order = 0; order < 4; order++) {
			Product p = {.m = 50, .n = 200, .k = 350, .type = DTYPE_f32, .scratch = BYTES[i]};
			p.x = order & 1 ? "km" : "mk", p.y = order & 2 ? "nk" : "kn";
			p.epilogue = order & 1 ? LONG : BIAS_RELU, p.doubled = order > 1;
			CU_ASSERT(is_right(p));
		}
}

static void epilogues_end_masked(void)
{
	for (int64_t n = 1; n < 80; n += 13)
		for (int e = 0; e < 3; e++) {
			Product p = {.m = 17, .n = n, .k = 20, .x = "mk", .y = "kn", .type = DTYPE_f32};
			p.epilogue = (Epilogue)e;
			CU_ASSERT(is_right(p));
			p.type = DTYPE_f64;
			CU_ASSERT(is_right(p));
		}
}

static void older_machines(void)
{
	static const char *const CPUS[] = {"x86-64-v3", "x86-64"};
	for (int cpu = 0; cpu < 2; cpu++)
		for (int order = 0; order < 4; order++) {
			Product p = {.m = 33, .n = 45, .k = 70, .kc = 32, .cpu = CPUS[cpu], .type = DTYPE_f32};
			p.x = order & 1 ? "km" : "mk", p.y = order & 2 ? "nk" : "kn";
			CU_ASSERT(is_right(p));
			p.type = DTYPE_f64, p.kc = 0, p.epilogue = BIAS_RELU;
			CU_ASSERT(is_right(p));
		}
}

/* -- bf16 -------------------------------------------------------------------------------------- */

static const char *const BF16_CPUS[] = {NULL, "x86-64-v3", "x86-64"};

static void all_sizes_of_bf16(void)
{
	for (size_t i = 0; i < COUNT(BF16_CPUS); i++)
		all_sizes_of(DTYPE_bf16, BF16_CPUS[i]);
}

static void bf16_in_all_orders(void)
{
	static const char *const X[] = {"bmk", "bkm", "kmb"}, *const Y[] = {"bkn", "bnk", "nkb"};
	for (int i = 0; i < 27; i++) {
		Product p = {.b = 3, .m = 19, .n = 21, .k = i % 2 ? 37 : 38, .type = DTYPE_bf16};
		p.x = X[i % 3], p.y = Y[i / 3 % 3], p.cpu = BF16_CPUS[i / 9];
		p.epilogue = (Epilogue)(i % 2), p.doubled = i % 5 == 0;
		CU_ASSERT(is_right(p));
	}
}

/* Blocks of k, of which the last ends in half a pair; packed, and where too little scratch is. */
static void blocks_of_bf16(void)
{
	static const int64_t BYTES[] = {0, -1, 4096, 1 << 15};
	for (int i = 0; i < 32; i++) {
		Product p = {.m = 50, .n = 130, .k = i & 4 ? 1301 : 1300, .type = DTYPE_bf16};
		p.x = i & 1 ? "km" : "mk", p.y = i & 2 ? "nk" : "kn";
		p.scratch = BYTES[i / 8], p.epilogue = BIAS_RELU, p.nc = 64, p.mc = 45;
		CU_ASSERT(is_right(p));
	}
}

static void bf16_without_a_free_axis(void)
{
	for (int64_t k = 1; k < 400; k = k * 3 + 2) {
		CU_ASSERT(is_right((Product){.m = 50, .k = k, .x = "mk", .y = "k", .type = DTYPE_bf16}));
		CU_ASSERT(is_right((Product){.n = 50, .k = k, .x = "k", .y = "kn", .type = DTYPE_bf16}));
		CU_ASSERT(is_right((Product){.k = k, .x = "k", .y = "k", .type = DTYPE_bf16}));
	}
}

CU_TestInfo test_contract[] = {
    {"all sizes", all_sizes},
    {"blocks of rows, columns and k", blocks_of_everything},
    {"all orders of axes", all_orders_of_axes},
    {"sides without a free axis", sides_without_a_free_axis},
    {"operands are computed while they are packed", operands_are_computed_while_packed},
    {"large sides are packed", large_sides_are_packed},
    {"deep sums are packed", deep_sums_are_packed},
    {"blocks are packed on the way", blocks_are_packed_on_the_way},
    {"the next tile is packed on the way", the_next_tile_is_packed_on_the_way},
    {"tiles of the schedule", tiles_of_the_schedule},
    {"results from afar", results_from_afar},
    {"little scratch will do", little_scratch_will_do},
    {"epilogues end masked", epilogues_end_masked},
    {"older machines", older_machines},
    {"all sizes of bf16", all_sizes_of_bf16},
    {"all orders of axes of bf16", bf16_in_all_orders},
    {"blocks of bf16", blocks_of_bf16},
    {"bf16 without a free axis", bf16_without_a_free_axis},
    CU_TEST_INFO_NULL,
};
