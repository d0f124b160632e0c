/* object.c: an emitted object in this process: see object.h. */
#include "object.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "scratch.h"

void *object_symbol(const Object *o, const char *name)
{
	char whole[256];
	snprintf(whole, sizeof whole, "%s_%s", o->prefix, name);
	return dlsym(o->handle, whole);
}

unsigned char *object_block(const Object *o)
{
	size_t bytes = (o->file.block_bytes + 63) / 64 * 64;
	unsigned char *block = aligned_alloc(64, bytes);
	if (block)
		memset(block, 0xa5, bytes);
	return block;
}

void *object_link(const sslc_embedded *const *file, size_t count)
{
	Scratch s;
	char library[512], command[4096];
	scratch_open(&s);
	snprintf(library, sizeof library, "%s", scratch_path(&s, "m.so"));
	size_t used = (size_t)snprintf(command, sizeof command, "cc -shared -nostdlib -o %s", library);
	bool good = true;
	for (size_t i = 0; good && i < count; i++) {
		char name[32];
		snprintf(name, sizeof name, "%zu.o", i);
		const char *object = scratch_path(&s, name);
		good = file_put(object, file[i]->object, file[i]->object_bytes);
		used += (size_t)snprintf(command + used, sizeof command - used, " %s", object);
	}
	good = good && used < sizeof command && system(command) == 0;
	void *handle = good ? dlopen(library, RTLD_NOW | RTLD_LOCAL) : NULL;
	scratch_close(&s);
	return handle;
}

bool object_open(Object *o, sslc_program *p, const sslc_embedding *how)
{
	*o = (Object){.prefix = how->prefix};
	if (!sslc_embed(p, how, &o->file))
		return false;
	o->handle = object_link((const sslc_embedded *const[]){&o->file}, 1);
	o->block = object_block(o);
	return o->handle && o->block;
}

void object_close(Object *o)
{
	if (o->handle)
		dlclose(o->handle);
	free(o->block);
	sslc_embedded_free(&o->file);
}

int32_t object_init(const Object *o, void *block, size_t bytes, uint32_t seed)
{
	int32_t (*init)(void *, size_t, uint32_t, uint32_t) =
	    (int32_t(*)(void *, size_t, uint32_t, uint32_t))(uintptr_t)object_symbol(o, "init");
	return init(block, bytes, seed, 0);
}

int32_t object_call(const Object *o, const char *name, void *block,
                    void *const pointer[OBJECT_POINTERS])
{
	typedef int32_t (*Function)(void *, void *, void *, void *, void *, void *, void *, void *,
	                            void *);
	Function f = (Function)(uintptr_t)object_symbol(o, name);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	return f(block, pointer[0], pointer[1], pointer[2], pointer[3], pointer[4], pointer[5],
	         pointer[6], pointer[7]);
}

int32_t object_find(const Object *o, const char *tensor)
{
	int32_t (*find)(const char *) = (int32_t(*)(const char *))(uintptr_t)object_symbol(o, "find");
	return find(tensor);
}

int32_t object_read(const Object *o, const void *block, int32_t tensor, void *to, size_t bytes)
{
	int32_t (*read)(const void *, uint32_t, void *, size_t) =
	    (int32_t(*)(const void *, uint32_t, void *, size_t))(uintptr_t)object_symbol(o, "read");
	return read(block, (uint32_t)tensor, to, bytes);
}

sslc_program *model_open(const char *path, Data **data, const sslc_options *options)
{
	char whole[512], why[DATA_WHY];
	snprintf(whole, sizeof whole, "%s/%s", SSLC_SOURCE, path);
	sslc_program *p = sslc_open(whole, options);
	*data = data_open(sslc_reader(p), NULL, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(*data);
	CU_ASSERT_TRUE_FATAL(sslc_bind(p, data_shape(*data)));
	return p;
}

void tensor_fill(const sslc_tensor *t, void *to, uint32_t *random)
{
	size_t size = strcmp(t->dtype, "u8") == 0 || strcmp(t->dtype, "bool") == 0 ? 1 : 4;
	for (size_t i = 0; i < t->bytes / size; i++) {
		*random = *random * 1664525u + 1013904223u;
		if (size == 1)
			((uint8_t *)to)[i] = (uint8_t)(*random >> 24);
		else if (strcmp(t->dtype, "i32") == 0)
			((int32_t *)to)[i] = (int32_t)(*random >> 30);
		else
			((float *)to)[i] = (float)(*random >> 8) / (float)(1 << 24);
	}
}
