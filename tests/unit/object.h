/* object.h: an emitted object in this process: linked by the system's compiler, as a user would, and
 * called by the names that its header declares. */
#ifndef SSLC_TEST_OBJECT_H
#define SSLC_TEST_OBJECT_H

#include "../../compiler/sslc.h"
#include "../../runtime/train/train.h"

enum { OBJECT_POINTERS = 8 };

typedef struct Object {
	void *handle;
	const char *prefix;
	unsigned char *block; /* of file.block_bytes */
	sslc_embedded file;
} Object;

/* The program becomes an object; false: something failed. */
bool object_open(Object *o, sslc_program *p, const sslc_embedding *how);
void object_close(Object *o);
/* Several in one library, for dlclose; NULL: something failed. */
void *object_link(const sslc_embedded *const *file, size_t count);
/* The address of PREFIX_NAME; NULL: there is none. */
void *object_symbol(const Object *o, const char *name);
/* A block for the object, filled with 0xa5; freed by free. */
unsigned char *object_block(const Object *o);

int32_t object_init(const Object *o, void *block, size_t bytes, uint32_t seed);
/* A function of the model: inputs, then outputs; those that it does not take are NULL. More pointers
 * than it wants do no harm to any calling convention that the tests run on. */
int32_t object_call(const Object *o, const char *name, void *block,
                    void *const pointer[OBJECT_POINTERS]);
int32_t object_find(const Object *o, const char *tensor);
int32_t object_read(const Object *o, const void *block, int32_t tensor, void *to, size_t bytes);

/* A shipped model with its data, bound. */
sslc_program *model_open(const char *path, Data **data, const sslc_options *options);
/* Numbers in [0, 1), or small whole ones. */
void tensor_fill(const sslc_tensor *t, void *to, uint32_t *random);

#endif
