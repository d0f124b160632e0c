/* prelude.c: models/lib, compiled in: definitions that every model sees. */
#include "sections.h"

Prelude *prelude_parse(Compile *c)
{
	Prelude *p = new (c->arena, Prelude);
	for (const PreludeFile *f = prelude_files; f->name; f++)
		prelude_file_parse(c, diags_file(c->diags, f->name, f->bytes, f->size), p);
	return p;
}
