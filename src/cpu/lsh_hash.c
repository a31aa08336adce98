/* Hash codes: the dense hash, T signs of random projections (arXiv 2111.09714, section 3.1),
 * and the walk over rows that both hashes share. */
#include "core/memory.h"
#include "cpu/lsh.h"

yo_hasher YO_CPU(lsh_dense_hasher)(const yo_attention *at, const float *projection, int64_t column,
                                   int64_t component)
{
    return (yo_hasher){.size = at->head_size,
                       .padded = at->head_size,
                       .code_len = at->code_len,
                       .num_hash = at->num_hash,
                       .groups = 1,
                       .dense = projection,
                       .column = column,
                       .component = component};
}

/* Rows as they come, turned, the hash's own work, and the codes of an incomplete block. */
typedef struct workspace {
    float *rows, *turned, *work;
    uint16_t *code;
} workspace;

static size_t lay_out(workspace *space, float *scratch, const yo_hasher *hasher)
{
    int64_t rows = YO_HASH_ROWS * yo_round_up(hasher->size, YO_LANES);
    int64_t turned = YO_HASH_ROWS * yo_round_up(hasher->padded, YO_LANES);
    int64_t work = hasher->sign ? YO_LANES * hasher->padded : YO_TILE_ROWS * YO_HASH_ROWS;
    space->rows = scratch;
    space->turned = scratch ? scratch + rows : NULL;
    space->work = scratch ? scratch + rows + turned : NULL;
    space->code = scratch ? (uint16_t *)(scratch + rows + turned + work) : NULL;
    return (size_t)(rows + turned + work + hasher->num_hash * YO_HASH_ROWS / 2);
}

size_t YO_CPU(lsh_hash_scratch)(const yo_hasher *hasher)
{
    workspace space;
#if defined(__AMX_TILE__)
    if (hasher->tile)
        return YO_CPU(lsh_tile_scratch)(hasher);
#endif
    return lay_out(&space, NULL, hasher);
}

/* Bits of up to YO_TILE_ROWS projections from column `first` on into their hashes' codes. */
static void pack_signs(uint16_t *code, int64_t ld, const float *product, int64_t first,
                       int64_t columns, int32_t code_len)
{
    for (int64_t c = 0; c < columns; c++) {
        uint16_t *of_hash = code + (first + c) / code_len * ld;
        int bit = (int)((first + c) % code_len);
        for (int i = 0; i < YO_HASH_ROWS; i += YO_LANES) {
            yo_ivec set = (yo_load(product + c * YO_HASH_ROWS + i) > 0) & (1 << bit);
            yo_store_codes(of_hash + i, bit ? set | yo_load_codes(of_hash + i) : set);
        }
    }
}

static void dense_block(uint16_t *code, int64_t ld, const yo_hasher *hasher, const float *turned,
                        float *product)
{
    int64_t columns = (int64_t)hasher->num_hash * hasher->code_len;
    for (int64_t c = 0; c < columns; c += YO_TILE_ROWS) {
        /* The last tile reaches back over projections that were done, never past the end; when
         * there are fewer than a tile's, one is computed at a time. */
        int64_t count = columns - c < YO_TILE_ROWS ? columns - c : YO_TILE_ROWS;
        int64_t back = columns < YO_TILE_ROWS ? 0 : YO_TILE_ROWS - count;
        if (columns < YO_TILE_ROWS)
            for (int64_t r = 0; r < count; r++)
                yo_tile_row(product + r * YO_HASH_ROWS, hasher->dense + r * hasher->column,
                            hasher->component, turned, YO_HASH_ROWS, hasher->size, YO_HASH_ROWS);
        else
            yo_tile(product, YO_HASH_ROWS, hasher->dense + (c - back) * hasher->column,
                    hasher->column, hasher->component, turned, YO_HASH_ROWS, hasher->size,
                    YO_HASH_ROWS, false);
        pack_signs(code, ld, product + back * YO_HASH_ROWS, c, count, hasher->code_len);
    }
}

void YO_CPU(lsh_codes)(uint16_t *code, int64_t ld, const yo_hasher *hasher, const yo_source *x,
                       int64_t head, int64_t first, int64_t rows, float *scratch)
{
#if defined(__AMX_TILE__)
    if (hasher->tile) {
        YO_CPU(lsh_tile_codes)(code, ld, hasher, x, head, first, rows, scratch);
        return;
    }
#endif
    workspace space;
    lay_out(&space, scratch, hasher);
    int64_t width = yo_round_up(hasher->size, YO_LANES);
    for (int64_t i = 0; i < rows; i += YO_HASH_ROWS) {
        int64_t count = rows - i < YO_HASH_ROWS ? rows - i : YO_HASH_ROWS;
        YO_CPU(attention_load)(space.rows, width, NULL, x, head, first + i, count);
        memset(space.rows + count * width, 0,
               (size_t)((YO_HASH_ROWS - count) * width) * sizeof *scratch);
        yo_transpose(space.turned, YO_HASH_ROWS, space.rows, width, YO_HASH_ROWS, hasher->size);
        memset(space.turned + hasher->size * YO_HASH_ROWS, 0,
               (size_t)((hasher->padded - hasher->size) * YO_HASH_ROWS) * sizeof *scratch);
        bool whole = count == YO_HASH_ROWS;
        uint16_t *to = whole ? code + i : space.code;
        int64_t to_ld = whole ? ld : YO_HASH_ROWS;
        if (hasher->sign)
            YO_CPU(lsh_fast_block)(to, to_ld, hasher, space.turned, space.work);
        else
            dense_block(to, to_ld, hasher, space.turned, space.work);
        for (int32_t h = 0; !whole && h < hasher->num_hash; h++)
            memcpy(code + h * ld + i, to + h * YO_HASH_ROWS, (size_t)count * sizeof *code);
    }
}

/* Codes of a sequence as the caller wants them: [rows, M]. */
static yoso_status codes_of_rows(int32_t *code, const yo_hasher *hasher, const yo_source *x,
                                 int64_t first, int64_t rows)
{
    size_t floats = YO_CPU(lsh_hash_scratch)(hasher);
    size_t bytes = (floats + (size_t)hasher->num_hash * YO_HASH_ROWS / 2) * sizeof(float);
    float *scratch;
    YO_TRY(yo_memory_take((void **)&scratch, bytes));
    uint16_t *block = (uint16_t *)(scratch + floats);
    for (int64_t i = 0; i < rows; i += YO_HASH_ROWS) {
        int64_t count = rows - i < YO_HASH_ROWS ? rows - i : YO_HASH_ROWS;
        YO_CPU(lsh_codes)(block, YO_HASH_ROWS, hasher, x, 0, first + i, count, scratch);
        for (int64_t j = 0; j < count; j++)
            for (int32_t h = 0; h < hasher->num_hash; h++)
                code[(first + i + j) * hasher->num_hash + h] = block[h * YO_HASH_ROWS + j];
    }
    yo_memory_give(scratch, bytes);
    return YOSO_OK;
}

yoso_status YO_CPU(lsh_hash)(int32_t *code, const yo_rows *x, const float *projection,
                             const yo_attention *at, yo_stream *stream)
{
    (void)stream;
    int64_t columns = (int64_t)at->num_hash * at->code_len;
    yo_source source = yo_source_of(x, at->head_size, NULL, false);
    for (int64_t s = 0; s < at->sequences; s++) {
        yo_hasher hasher =
            YO_CPU(lsh_dense_hasher)(at, projection + s * at->head_size * columns, 1, columns);
        YO_TRY(codes_of_rows(code, &hasher, &source, at->q_offset[s],
                             at->q_offset[s + 1] - at->q_offset[s]));
    }
    return YOSO_OK;
}

yoso_status YO_CPU(fast_hash)(int32_t *code, const yo_rows *x, const float *sign, int64_t sign_size,
                              const yo_attention *at, yo_stream *stream)
{
    (void)stream;
    yo_source source = yo_source_of(x, at->head_size, NULL, false);
    for (int64_t s = 0; s < at->sequences; s++) {
        yo_hasher hasher = YO_CPU(lsh_fast_hasher)(at, sign, sign_size);
        YO_TRY(codes_of_rows(code, &hasher, &source, at->q_offset[s],
                             at->q_offset[s + 1] - at->q_offset[s]));
        sign += 3 * hasher.groups * sign_size;
    }
    return YOSO_OK;
}
