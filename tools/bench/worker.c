/* worker.c: sslc as a contender of the benchmark: one model, one pool of threads, steps on demand.
 *
 *     sslc_bench_worker MODEL THREADS [FUNCTION [CPU]]
 *
 * Prints "ready", then answers a line with a line (bench.py has the other side):
 *
 *     save FOLDER    the first weights, as FOLDER/checkpoint.safetensors  -> saved
 *     losses N       takes N steps                                        -> N losses
 *     first          from the model's text to the first loss, compiled    -> seconds
 *     steps N G      takes N groups of G steps                            -> N times of a step
 *     clock cpu      counts the seconds of steps by the time of the processor, not of the wall  -> clock
 *     rss            the most memory that was ever in use                 -> bytes
 *     quit
 *
 * A step is what `sslc run` does for one: the compiled function over the next batch, its loss read
 * and tested; of another FUNCTION, "features" say, a call, whose result stays where it is. Batches are in memory, in
 * the order of the data, again from the first after the last. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../compiler/sslc.h"
#include "../../runtime/train/train.h"

typedef struct Worker {
	sslc_program *program;
	Data *data;
	Engine engine;
	Call step;
	Failure failure;
	int64_t batches, steps_done;
	unsigned char *field[SSLC_MAX_FIELDS]; /* [batches] of stride[i] bytes, each aligned to 64 */
	size_t stride[SSLC_MAX_FIELDS];
	int32_t *number; /* [batches, batch] of the samples */
	double first;    /* seconds to the first loss, without the reading of data */
	bool by_cpu;     /* times of steps are of the processor */
	const char *function;
	const char *cpu; /* compiled for; NULL: this machine */
} Worker;

/* The first line of the program's errors, or of the failure, as the answer; ends the process. */
static _Noreturn void give_up(const Worker *w, const char *what)
{
	char *text = NULL;
	size_t size = 0;
	FILE *errors = open_memstream(&text, &size);
	if (errors && w->program && sslc_error_count(w->program))
		sslc_print_errors(w->program, errors, false);
	else if (errors)
		fputs(what, errors);
	if (errors)
		fclose(errors);
	printf("error %.*s\n", (int)strcspn(text ? text : what, "\n"), text ? text : what);
	fflush(stdout);
	exit(1);
}

static void open_model(Worker *w, const char *path)
{
	char why[DATA_WHY], folder[1024] = "";
	const char *slash = strrchr(path, '/');
	double start = seconds_now();
	w->program = sslc_open(path, &(sslc_options){.cpu = w->cpu});
	if (!w->program || sslc_error_count(w->program))
		give_up(w, "no memory");
	if (slash)
		snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
	double reading = seconds_now();
	w->data = data_open(sslc_reader(w->program), slash ? folder : NULL, why);
	if (!w->data)
		give_up(w, why);
	w->first = reading - start;
	start = seconds_now();
	if (!sslc_bind(w->program, data_shape(w->data)))
		give_up(w, "the model does not fit its data");
	w->first += seconds_now() - start;
}

static void copy_batches(Worker *w)
{
	int64_t batch = sslc_pretraining(w->program).batch;
	const sslc_data *shape = data_shape(w->data);
	w->batches = data_count(w->data, SPLIT_TRAIN) / batch;
	for (size_t i = 0; i < shape->count; i++) {
		size_t bytes = shape->field[i].bytes * (size_t)batch;
		w->stride[i] = (bytes + 63) / 64 * 64;
		w->field[i] = memory_new(w->stride[i] * (size_t)w->batches);
		if (!w->field[i])
			give_up(w, "no memory for the batches");
	}
	w->number = memory_new((size_t)(w->batches * batch) * sizeof *w->number);
	if (!w->number)
		give_up(w, "no memory for the batches");
	for (int64_t n = 0; n < w->batches * batch; n++) {
		w->number[n] = (int32_t)n;
		void *to[SSLC_MAX_FIELDS];
		char why[WHY];
		for (size_t i = 0; i < shape->count; i++)
			to[i] = w->field[i] + (size_t)(n / batch) * w->stride[i] +
			        (size_t)(n % batch) * shape->field[i].bytes;
		if (!data_sample(w->data, SPLIT_TRAIN, n, to, why))
			give_up(w, why);
	}
}

static void open_engine(Worker *w, int threads)
{
	double start = seconds_now();
	Position at;
	sslc_training t = sslc_pretraining(w->program);
	TrainOptions options = {.seed = t.seed, .epochs = t.epochs};
	sslc_compile(w->program, (const char *const[]){"init", w->function}, 2);
	if (!engine_open(&w->engine, sslc_describe(w->program), threads, &w->failure) ||
	    !train_begin(&w->engine, w->data, &options, &at, &w->failure) ||
	    !call_open(&w->step, &w->engine, w->function, &w->failure))
		give_up(w, w->failure.text);
	w->first += seconds_now() - start;
}

static double take_step(Worker *w)
{
	const sslc_data *shape = data_shape(w->data);
	size_t batch = (size_t)(w->steps_done % w->batches);
	for (size_t i = 0; i < shape->count; i++)
		call_input(&w->step, shape->field[i].name, w->field[i] + batch * w->stride[i]);
	size_t samples = (size_t)sslc_pretraining(w->program).batch;
	call_input(&w->step, "sample_number", w->number + batch * samples);
	w->engine.step = (int32_t)w->steps_done++;
	call_run(&w->step);
	if (strcmp(w->function, "step") != 0)
		return 0;
	double loss = call_scalar(&w->step, "loss");
	if (!isfinite(loss))
		give_up(w, "the loss is no finite number");
	return loss;
}

/* -- Commands ---------------------------------------------------------------------------------- */

static void say_losses(Worker *w, int64_t count)
{
	double start = seconds_now();
	for (int64_t i = 0; i < count; i++) {
		double loss = take_step(w);
		if (w->steps_done == 1)
			w->first += seconds_now() - start;
		printf("%s%.9g", i ? " " : "", loss);
	}
	putchar('\n');
}

/* Seconds of the wall's clock, or of the processor's for all threads of this process. */
static double clock_now(const Worker *w)
{
	struct timespec t;
	if (!w->by_cpu)
		return seconds_now();
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void say_times(Worker *w, int64_t groups, int64_t steps)
{
	for (int64_t i = 0; i < groups; i++) {
		double start = clock_now(w);
		for (int64_t s = 0; s < steps; s++)
			take_step(w);
		printf("%s%.9g", i ? " " : "", (clock_now(w) - start) / (double)steps);
	}
	putchar('\n');
}

static void say_rss(void)
{
	char line[256];
	long long kib = 0;
	FILE *status = fopen("/proc/self/status", "r");
	while (status && fgets(line, sizeof line, status))
		if (sscanf(line, "VmHWM: %lld", &kib) == 1)
			break;
	if (status)
		fclose(status);
	printf("%lld\n", kib * 1024);
}

static void save(Worker *w, const char *folder)
{
	Position at = {.epoch_steps = 1, .steps = 1};
	if (!checkpoint_save(&w->engine, w->data, folder, &at, &w->failure))
		give_up(w, w->failure.text);
	puts("saved");
}

static void answer(Worker *w, char *line)
{
	int64_t count, steps;
	line[strcspn(line, "\n")] = 0;
	if (strncmp(line, "save ", 5) == 0)
		save(w, line + 5);
	else if (sscanf(line, "losses %" SCNd64, &count) == 1)
		say_losses(w, count);
	else if (sscanf(line, "steps %" SCNd64 " %" SCNd64, &count, &steps) == 2)
		say_times(w, count, steps);
	else if (strcmp(line, "clock cpu") == 0)
		w->by_cpu = puts("clock") >= 0;
	else if (strcmp(line, "first") == 0)
		printf("%.9g\n", w->first);
	else if (strcmp(line, "rss") == 0)
		say_rss();
	else
		printf("error unknown command '%s'\n", line);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	if (argc < 3 || argc > 5) {
		fprintf(stderr, "usage: sslc_bench_worker MODEL THREADS [FUNCTION [CPU]]\n");
		return 2;
	}
	Worker w = {.function = argc > 3 ? argv[3] : "step", .cpu = argc > 4 ? argv[4] : NULL};
	char line[2048];
	open_model(&w, argv[1]);
	copy_batches(&w);
	open_engine(&w, atoi(argv[2]));
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin) && strcmp(line, "quit\n") != 0)
		answer(&w, line);
	call_close(&w.step);
	engine_close(&w.engine);
	data_close(w.data);
	sslc_close(w.program);
	for (size_t i = 0; i < SSLC_MAX_FIELDS; i++)
		free(w.field[i]);
	free(w.number);
	return 0;
}
