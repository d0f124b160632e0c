/* sections.h: private to parse/: what model.c, task.c, signature.c and prelude.c share. */
#ifndef SSLC_SECTIONS_H
#define SSLC_SECTIONS_H

#include "lex.h"

/* model.c */
Body *body_new(Compile *c, BodyKind kind, Span span);
/* A section that must be a text with an expression. */
Expr *want_expr(Compile *c, const Json *j, const char *key, const char *what);
Train train_parse(Compile *c, const Json *j, double epochs); /* j NULL: the defaults */
bool network_parse(Compile *c, const Json *m, Definition *d);
void add_definition(Compile *c, Definitions *to, const Definition *d);
const char *kind_words(const Json *j);
Body *body_parse(Compile *c, const Json *j, const char *key);
bool want_kind(Compile *c, const Json *j, JsonKind kind, const char *key, const char *what);
bool listed(const char *name, const char *const *names, size_t count);
void help_nearest(Compile *c, const char *name, const char *const *names, size_t count,
                  const char *what);
/* Appends the definitions of one file of the prelude. */
void prelude_file_parse(Compile *c, uint32_t file, Prelude *to);

/* task.c */
void freeze_parse(Compile *c, const Json *j, Freeze *f, Names *frozen);
void section_downstream(Compile *c, const Json *m, Model *model);
void check_freezes(Compile *c, const Model *m); /* what is frozen are networks of the model */

/* rename.c */
void section_names(Compile *c, const Json *j, Model *model);

/* signature.c: "layer_norm(x, eps=1e-5)": "..." of a "define". False after an error. */
bool definition_parse(Compile *c, const Json *member, Definition *to);

#endif
