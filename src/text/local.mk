# The tokenizer's engine.
libyoso_la_SOURCES += \
	src/text/added.c src/text/added.h \
	src/text/aligned.c src/text/aligned.h \
	src/text/bpe.c src/text/bpe.h src/text/bpe_merge.c src/text/bpe_parts.c \
	src/text/bytelevel.c src/text/bytelevel.h \
	src/text/bytes.c src/text/bytes.h \
	src/text/charsmap.c src/text/charsmap.h \
	src/text/chunk.c src/text/chunk.h src/text/chunk_scan.c \
	src/text/cut_class.c src/text/cut_pattern.c src/text/cut_rewrite.c \
	src/text/decode_sentencepiece.c src/text/decode_steps.c src/text/decoder.c src/text/decoder.h \
	src/text/fixed.c src/text/fixed.h \
	src/text/encode.c src/text/encode.h src/text/encode_batch.c src/text/encoding.c src/text/encoding.h \
	src/text/grapheme.c src/text/grapheme_tables.h \
	src/text/json.c src/text/json.h src/text/json_number.c src/text/json_value.c \
	src/text/load.c src/text/load.h src/text/load_vocab.c \
	src/text/model.c src/text/model.h \
	src/text/normalize_bert.c src/text/normalize_form.c src/text/normalize_form.h \
	src/text/normalize_pattern.c src/text/normalize_sentencepiece.c src/text/normalize_simple.c \
	src/text/normalizer.c src/text/normalizer.h \
	src/text/oniguruma.c src/text/oniguruma.h src/text/oniguruma_newer.c \
	src/text/category_tables.h \
	src/text/pattern.c src/text/pattern.h \
	src/text/pieces.c src/text/pieces.h \
	src/text/plain.c src/text/plain.h \
	src/text/post.c src/text/post.h src/text/post_load.c \
	src/text/protobuf.c src/text/protobuf.h \
	src/text/pretokenizer.c src/text/pretokenizer.h \
	src/text/sequence.c src/text/sequence.h \
	src/text/tokenizer.c src/text/tokenizer.h \
	src/text/stretch.c \
	src/text/train.c src/text/train.h src/text/train_merges.c src/text/train_unigram.c \
	src/text/trie.c src/text/trie.h src/text/trie_sort.c \
	src/text/truncate.c \
	src/text/unicode.c src/text/unicode.h src/text/unicode_tables.h \
	src/text/unigram.c \
	src/text/utf8.c src/text/utf8.h \
	src/text/vocab.c src/text/vocab.h \
	src/text/window.c \
	src/text/word_cache.c src/text/word_cache.h \
	src/text/script_tables.h src/text/scripts.c src/text/sentencepiece.c \
	src/text/wordlevel.c src/text/wordpiece.c
EXTRA_DIST += scripts/make_unicode_tables
