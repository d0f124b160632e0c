/* code_hash.c: a hash of all that a function's code depends on: this compiler's sources, LLVM's
 * version, the CPU and its features, every kernel's structure and where every buffer is. */
#include "llvm_version.h"
#include "module.h"

extern const char compiler_sources[]; /* their hash: made by the build */

typedef struct Facts { /* that the code depends on, as words */
	uint64_t *word;
	size_t count;
} Facts;

static void fact(Facts *f, uint64_t word)
{
	f->word[f->count++] = word;
}

/* Where every buffer is; every kernel, with its buffers. */
static Facts facts_of(Compile *c, const PlannedFunction *planned)
{
	const Kernels *k = planned->k;
	BufferId *touched = new_array(c->arena, BufferId, k->buffer_count);
	size_t room = 2 * (size_t)k->buffer_count;
	for (uint32_t i = 0; i < k->kernel_count; i++)
		room += 7 + MAX_DUES + step_touched(c, k, &k->kernel[i], touched);
	Facts f = {.word = new_array(c->arena, uint64_t, room)};
	for (BufferId b = 1; b < k->buffer_count; b++) {
		const Buffer *buffer = &k->buffer[b];
		fact(&f, (uint64_t)buffer->storage);
		fact(&f, buffer->storage == STORED_ARENA ? buffer->offset
		         : buffer->storage == STORED_STATE
		             ? planned->offset(planned->states, k->state_name[buffer->slot])
		             : buffer->slot);
	}
	for (uint32_t i = 0; i < k->kernel_count; i++) {
		const Kernel *kernel = &k->kernel[i];
		uint32_t count = step_touched(c, k, kernel, touched);
		fact(&f, kernel->hash);
		fact(&f, (uint64_t)kernel->tiles * 2 + kernel->beside);
		fact(&f, count);
		for (uint32_t t = 0; t < count; t++)
			fact(&f, touched[t]);
		const Chain *chain = kernel->chain;
		fact(&f, chain ? chain->count * 2 + kernel->adds : 0);
		fact(&f, chain ? (uint64_t)chain->units : 0);
		fact(&f, chain ? (uint64_t)chain->block : 0);
		fact(&f, kernel->dues);
		for (uint32_t n = 0; n < kernel->dues; n++)
			fact(&f, (uint64_t)kernel->due[n].condition * 2 + kernel->due[n].holds);
	}
	return f;
}

bool codegen_hash(const Codegen *cg, const PlannedFunction *planned, CodeHash *to)
{
	const Kernels *k = planned->k;
	for (uint32_t i = 0; i < k->kernel_count; i++)
		if (!k->kernel[i].hash)
			return false;
	Facts f = facts_of(cg->c, planned);
	for (int i = 0; i < 2; i++) {
		Hash h = hash_text((Hash)i + 1, compiler_sources);
		h = hash_text(hash_text(hash_text(h, LLVM_VERSION_STRING), cg->target->cpu),
		              cg->target->features);
		h = hash_text(h, cg->target->triple);
		h = hash_u64(h, (uint64_t)cg->c->flushes * 4 + (uint64_t)cg->c->profile * 2 + k->once);
		to->word[i] = hash_bytes(h, f.word, f.count * sizeof *f.word);
	}
	return true;
}
