/* lex.h: private to parse/: tokens of the expression language. */
#ifndef SSLC_LEX_H
#define SSLC_LEX_H

#include "parse.h"

typedef enum TokenKind {
	TOKEN_END,
	TOKEN_NUMBER,
	TOKEN_NAME,
	TOKEN_TEXT,  /* 'text' */
	TOKEN_PUNCT, /* text is the operator: "+", "<=", "(" */
	TOKEN_BAD,   /* reported */
} TokenKind;

typedef struct Token {
	TokenKind kind;
	Span span; /* in the model file */
	const char *text;
	double number;
} Token;

typedef struct Lex {
	Compile *c;
	const char *text; /* unescaped */
	uint32_t at, size;
	uint32_t file;
	uint32_t *place; /* [size + 1]: where byte i of the text stands in the file */
} Lex;

/* Over a JSON string, or over the key of a member. */
Lex lex_open(Compile *c, const Json *string);
Lex lex_open_key(Compile *c, const Json *member);
Token lex_next(Lex *l);
static inline bool token_is(const Token *t, const char *punct)
{
	return t->kind == TOKEN_PUNCT && t->text[0] == punct[0] && t->text[1] == punct[1];
}

/* expr.c: for signatures. Parses one expression; the token after it is left in *token. */
Expr *expr_parse_tokens(Lex *l, Token *token);

#endif
