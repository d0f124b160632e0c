/* test_chance.c: what models/lib/audio.json, speech.json and text.json leave to chance, through the interpreter:
 * each draw is one that may be, and they are as likely as is said. Bounds are five standard
 * deviations. */
#include <CUnit/CUnit.h>

#include <math.h>
#include <stdio.h>

#include "../../compiler/elaborate/elaborate.h"
#include "compiled.h"

typedef struct Drawn {
	Compile c;
	const double *at;
} Drawn;

/* The values of an expression without inputs. */
static Drawn draw(const char *expression)
{
	Drawn d = {.c = {.arena = arena_open(0), .float_type = DTYPE_f64}};
	d.c.diags = diags_open(d.c.arena);
	Graph *g = build_expression(&d.c, prelude_parse(&d.c), NULL, expression_of(&d.c, expression),
	                            NULL, 0, NULL);
	diag_print(d.c.diags, stderr, false);
	CU_ASSERT_PTR_NOT_NULL_FATAL(g);
	Feed feed[] = {{"seed", (double[]){3, 0}}, {"step", (double[]){0}}};
	d.at = evaluate(d.c.arena, g, feed, 2)[g->out[0].value];
	return d;
}

static bool about(double got, double want, double deviation, const char *what)
{
	bool good = fabs(got - want) <= 5 * deviation;
	if (!good)
		fprintf(stderr, "\n    %s: %g, but should be %g +- %g\n", what, got, want, deviation);
	return good;
}

/* Uniform on [low, high]: bounds and the first two moments. */
static bool is_uniform(const double *x, int n, double low, double high, const char *what)
{
	double sum = 0, squares = 0, width = high - low;
	bool good = true;
	for (int i = 0; i < n; i++) {
		double u = (x[i] - low) / width;
		good &= u >= -1e-9 && u <= 1 + 1e-9;
		sum += u;
		squares += u * u;
	}
	return good && about(sum / n, 0.5, sqrt(1.0 / 12 / n), what) &&
	       about(squares / n, 1.0 / 3, sqrt(4.0 / 45 / n), what);
}

static void gains_are_uniform_in_decibels(void)
{
	enum { N = 2000 };
	static double decibels[N];
	Drawn d = draw("random_gain(full([2000, 1], 2), 6)");
	for (int i = 0; i < N; i++)
		decibels[i] = 20 * log10(d.at[i] / 2);
	CU_ASSERT(is_uniform(decibels, N, -6, 6, "gain"));
	arena_close(d.c.arena);
}

/* The power of noise is that which was asked for in every sample, not on average. */
static void noise_has_its_ratio(void)
{
	enum { N = 500, T = 40 };
	static double ratio[N];
	Drawn d = draw("random_noise(full([500, 40], 3), 5, 30)");
	for (int i = 0; i < N; i++) {
		double power = 0;
		for (int t = 0; t < T; t++)
			power += pow(d.at[i * T + t] - 3, 2) / T;
		ratio[i] = 10 * log10(9 / power);
	}
	CU_ASSERT(is_uniform(ratio, N, 5, 30, "ratio"));
	arena_close(d.c.arena);
	d = draw("random_noise(full([3, 40], 0), 5, 30)"); /* silence stays */
	for (int i = 0; i < 120; i++)
		CU_ASSERT_EQUAL(d.at[i], 0);
	arena_close(d.c.arena);
}

static void rolls_are_rotations(void)
{
	enum { N = 3000, T = 7 };
	int seen[T] = {0};
	Drawn d = draw("random_roll(cast(iota([3000, 7], 1), 'float'))");
	for (int i = 0; i < N; i++) {
		int first = (int)d.at[i * T];
		seen[first]++;
		for (int t = 0; t < T; t++)
			CU_ASSERT_EQUAL((int)d.at[i * T + t], (first + t) % T);
	}
	for (int t = 0; t < T; t++)
		CU_ASSERT(about(seen[t], N / 7.0, sqrt(N * 6.0 / 49), "roll"));
	arena_close(d.c.arena);
}

/* SpecAugment: a width of 0 to 3, then a first place of all that are left: each as likely. */
static void stretches_are_anywhere(void)
{
	enum { N = 8000, T = 6, MOST = 3 };
	int seen[MOST + 1][T + 1] = {{0}};
	Drawn d = draw("random_stretch(full([8000, 6, 1], 1), 1, 3)");
	for (int i = 0; i < N; i++) {
		int width = 0, first = -1, last = -1;
		for (int t = 0; t < T; t++)
			if (d.at[i * T + t] == 0) {
				first = first < 0 ? t : first;
				last = t;
				width++;
			}
		CU_ASSERT_FATAL(width <= MOST && (width == 0 || last - first + 1 == width));
		seen[width][width ? first : 0]++;
	}
	for (int width = 0; width <= MOST; width++)
		for (int first = 0; first <= (width ? T - width : 0); first++) {
			double p = 1.0 / (MOST + 1) / (width ? T - width + 1 : 1);
			CU_ASSERT(about(seen[width][first], N * p, sqrt(N * p * (1 - p)), "stretch"));
		}
	arena_close(d.c.arena);
}

/* A place is hidden if a span began at it or at one of the 3 before. */
static void spans_hide_their_share(void)
{
	enum { N = 6000, T = 8 };
	Drawn d = draw("random_spans(full([6000, 8], 0), 0.1, 4)");
	for (int t = 0; t < T; t++) {
		int hidden = 0;
		double p = 1 - pow(0.9, t < 3 ? t + 1 : 4);
		for (int i = 0; i < N; i++)
			hidden += d.at[i * T + t] == 1;
		CU_ASSERT(about(hidden, N * p, sqrt(N * p * (1 - p)), "span"));
	}
	arena_close(d.c.arena);
}

/* A click becomes itself and an echo that falls by 60 dB in a time of at most 2 ms: after 32 samples
 * at 8 kHz, by 120 dB. */
static void echoes_decay(void)
{
	enum { N = 400, T = 40 };
	Drawn d =
	    draw("random_reverb(cast(iota([400, 40], 1) == 0, 'float'), 8000, 0.001, 0.002, 0.3, 40)");
	double early = 0, late = 0;
	for (int i = 0; i < N; i++) {
		CU_ASSERT(fabs(d.at[i * T] - 1) < 1e-9);
		early += pow(d.at[i * T + 1], 2) / N;
		late = fmax(late, fabs(d.at[i * T + 32]));
	}
	/* 0.3^2 10^(-6 / (8 ms)), averaged over 1 to 2 ms: 0.0281 by quadrature */
	double want = 0;
	for (int k = 0; k < 1000; k++)
		want += 0.09 * pow(10, -6 / (8 * (1 + (k + 0.5) / 1000))) / 1000;
	CU_ASSERT(about(early, want, want * sqrt(2.5 / N), "echo"));
	CU_ASSERT(late > 0 && late < 0.3 * 6 * 1e-6);
	arena_close(d.c.arena);
}

/* Gumbel-max (Gumbel 1954): the largest of logits with such noise is drawn from their softmax. */
static void codes_are_drawn_from_the_softmax(void)
{
	enum { N = 8000, V = 4 };
	Drawn d = draw("gumbel_codes(log(1 + cast(iota([8000, 4], 1), 'float')), gumbel([8000, 4]))");
	for (int v = 0; v < V; v++) {
		double seen = 0, p = (v + 1) / 10.0;
		for (int i = 0; i < N; i++)
			seen += d.at[i * V + v];
		CU_ASSERT(about(seen, N * p, sqrt(N * p * (1 - p)), "code"));
	}
	arena_close(d.c.arena);
}

/* Devlin et al. 2019: 15 % of the tokens, never padding; of them 80 % are blanks (here 10), 10 % any token
 * (of 0 to 9), 10 % stay what they are (token i % 7). */
static void tokens_are_hidden_as_in_bert(void)
{
	enum { N = 200, T = 100, ALL = N * T };
	Drawn d = draw("choose_tokens(is_token(iota([200, 100]), 90 - iota([200])), 0.15)");
	double seen = 0, chosen = 0;
	for (int i = 0; i < ALL; i++) {
		bool own = i % T < 90 - i / T;
		seen += own;
		chosen += d.at[i];
		CU_ASSERT(own || d.at[i] == 0);
	}
	CU_ASSERT(about(chosen, 0.15 * seen, sqrt(seen * 0.15 * 0.85), "chosen"));
	arena_close(d.c.arena);
	d = draw("corrupt_tokens(iota([200, 100], 1) % 7, iota([200, 100], 0) < 150, 10, 10)");
	const double n = 150 * T;
	double blank = 0, other[10] = {0}, same[10] = {0}, of[10] = {0};
	for (int i = 0; i < ALL; i++) {
		int was = i % T % 7, is = (int)d.at[i];
		CU_ASSERT_FATAL(is >= 0 && is <= 10);
		if (i / T >= 150) {
			CU_ASSERT(is == was);
			continue;
		}
		of[was]++;
		blank += is == 10;
		other[is % 10] += is < 10 && is != was;
		same[was] += is == was;
	}
	CU_ASSERT(about(blank, 0.8 * n, sqrt(n * 0.8 * 0.2), "blanks"));
	for (int v = 0; v < 10; v++) {
		double from = n - of[v], p = 0.01,
		       stay = 0.11; /* 10 % of any, this one among ten; 10 % stay */
		CU_ASSERT(about(other[v], from * p, sqrt(from * p), "another token"));
		CU_ASSERT(about(same[v], of[v] * stay, sqrt(of[v] * stay), "the same token"));
	}
	arena_close(d.c.arena);
}

CU_TestInfo test_chance[] = {
    {"tokens are hidden as in BERT", tokens_are_hidden_as_in_bert},
    {"gains are uniform in decibels", gains_are_uniform_in_decibels},
    {"noise has its ratio", noise_has_its_ratio},
    {"rolls are rotations", rolls_are_rotations},
    {"stretches are anywhere", stretches_are_anywhere},
    {"spans hide their share", spans_hide_their_share},
    {"echoes decay", echoes_decay},
    {"codes are drawn from the softmax", codes_are_drawn_from_the_softmax},
    CU_TEST_INFO_NULL,
};
