/* AMX tiles, for kernels compiled in the "amx" variant: eight registers of 16 rows by 64 bytes.
 * Tile instructions stand between yo_amx_enter and yo_amx_leave, in the thread that entered.
 *
 * A product adds to C [16, 16] the products of A, 16 rows of 64 bytes along K, and B, K by 16
 * columns with 4 bytes along K of each column side by side: 32 numbers of bf16 a row into f32, or
 * 64 signed bytes into i32. */
#ifndef YO_CPU_AMX_H
#define YO_CPU_AMX_H

#if defined(__AMX_TILE__)

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

enum { YO_AMX_ROWS = 16, YO_AMX_ROW_BYTES = 64, YO_AMX_BYTES = 1024 };

/* The compiler does not know what memory tile instructions read and write: this keeps other
 * accesses on their side. */
static inline void yo_amx_fence(void)
{
    __asm__ volatile("" ::: "memory");
}

/* All eight tiles whole. */
static inline void yo_amx_enter(void)
{
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } shape;
    memset(&shape, 0, sizeof shape);
    shape.palette = 1;
    for (int i = 0; i < 8; i++) {
        shape.row_bytes[i] = YO_AMX_ROW_BYTES;
        shape.rows[i] = YO_AMX_ROWS;
    }
    yo_amx_fence();
    _tile_loadconfig(&shape);
}

/* Without it the tiles would be saved and restored at every switch to another process. */
static inline void yo_amx_leave(void)
{
    _tile_release();
    yo_amx_fence();
}

#endif
#endif
