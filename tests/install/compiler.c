/* compiler.c: a program of someone else: compiles a model and trains one step of it, whose loss is
 * that of weights which are all zero: the mean of x^2, of data that it gives. */
#include <sslc.h>
#include <stdlib.h>
#include <string.h>

static const char model[] = "{\"data\": \"normal(4, 2)\", \"encoder\": [\"weights\"],"
                            "\"define\": {\"weights(x)\": \"x * param([dim(x, 1)], zeros)\"},"
                            "\"loss\": \"mse(encoder(x), x)\", \"train\": {\"batch\": 4}}";

int main(void)
{
	sslc_program *p = sslc_open_text("user", model, strlen(model), NULL);
	const sslc_data data = {.field = {{.name = "x", .dtype = "f32", .rank = 1, .dim = {2}}},
	                        .count = 1,
	                        .train_count = 4};
	const float x[4][2] = {{1, 2}, {3, 4}, {5, 6}, {7, 8}};
	const sslc_code *step = sslc_bind(p, &data) ? sslc_function(p, "step") : NULL;
	if (!step) {
		sslc_print_errors(p, stderr, false);
		return 1;
	}
	const int32_t seed[2] = {0}, at = 0;
	const void *input[8] = {0};
	for (size_t i = 0; i < step->input_count; i++)
		input[i] = strcmp(step->input[i].name, "x") == 0      ? (const void *)x
		           : strcmp(step->input[i].name, "seed") == 0 ? (const void *)seed
		                                                      : &at;
	float loss = 0, rest[16];
	void *output[8] = {0};
	for (size_t i = 0; i < step->output_count; i++)
		output[i] = strcmp(step->output[i].name, "loss") == 0 ? (void *)&loss : rest;
	size_t states = (sslc_states_bytes(p) + 63) / 64 * 64,
	       arena = (step->arena_bytes + 127) / 64 * 64;
	StepBlock block = {
	    .states = memset(aligned_alloc(64, states), 0, states),
	    .arena = aligned_alloc(64, arena),
	    .inputs = input,
	    .outputs = output,
	};
	step->call(&block);
	printf("loss %g\n", (double)loss);
	free(block.states);
	free(block.arena);
	sslc_close(p);
	return loss == 25.5f ? 0 : 1; /* (1 + 4 + 9 + ... + 64) / 8 */
}
