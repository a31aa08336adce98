/* The kinds of tokenizer files. */
#ifndef YO_TEXT_LOAD_H
#define YO_TEXT_LOAD_H

#include "text/tokenizer.h"

/* A whole file, with YO_JSON_PAD zero bytes after it that are not counted. */
yoso_status yo_load_file(yo_bytes *out, const char *path);

/* SentencePiece's .model, with its own rules about spaces. */
yoso_status yo_load_sentencepiece(yoso_tokenizer **out, const char *path);
/* The same from its bytes. */
yoso_status yo_read_sentencepiece(yoso_tokenizer **out, const char *what, const yo_bytes *bytes);
/* vocab.txt: BERT's WordPiece. tokenizer_config.json beside it says whether to lower the case. */
yoso_status yo_load_vocab_txt(yoso_tokenizer **out, const char *path);
/* vocab.json and merges.txt (path is either): GPT-2's byte-level BPE, RoBERTa's when the
 * vocabulary has its special tokens. */
yoso_status yo_load_vocab_merges(yoso_tokenizer **out, const char *path);

/* Appends the tokenizer as tokenizer.json. */
yoso_status yo_tokenizer_write(const yoso_tokenizer *tokenizer, yo_bytes *out);

#endif
