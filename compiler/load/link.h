/* link.h: private to load/: object files -> addresses in this process. The only file of the folder that
 * sees LLVM is link.c. */
#ifndef SSLC_LINK_H
#define SSLC_LINK_H

#include "../base/base.h"

typedef struct Linker Linker;

Linker *linker_open(Compile *c);                  /* NULL: reported */
void linker_close(Linker *l);                     /* NULL-safe; its addresses end */
bool linker_add(Linker *l, const Text *object);   /* false: reported */
void *linker_find(Linker *l, const char *symbol); /* NULL: reported */

#endif
