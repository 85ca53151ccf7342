/* transpose_tmpl.h - a matrix by tiles; include after VTARGET, tile8, tile16, tile32(x, y, in_stride, out_stride) and SMALL(bits, x, y, rows, cols, strides)
 * SPDX-License-Identifier: Apache-2.0
 *
 * The last tiles of a matrix begin earlier, over elements that are done, so that they are whole. What is smaller than a tile is SMALL's. */
#include "base/size.h"

enum { CHUNK = 64 }; /* rows that are read before the next columns: what they touch of both sides stays in L1 */

#define TRANSPOSE(name, bits, tile_rows, tile_cols)                                                                    \
    VTARGET void name(const void *in, void *out, size_t rows, size_t cols, size_t in_stride, size_t out_stride)        \
    {                                                                                                                  \
        const char *x = in;                                                                                            \
        char *y = out;                                                                                                 \
        if (rows < (tile_rows) || cols < (tile_cols)) {                                                                \
            SMALL(bits, x, y, rows, cols, in_stride, out_stride);                                                      \
            return;                                                                                                    \
        }                                                                                                              \
        for (size_t chunk = 0; chunk < rows; chunk += CHUNK)                                                           \
            for (size_t col = 0; col < cols; col += (tile_cols)) {                                                     \
                const size_t c = mote_min_size(col, cols - (tile_cols)), end = mote_min_size(rows, chunk + CHUNK);     \
                for (size_t row = chunk; row < end; row += (tile_rows)) {                                              \
                    const size_t r = mote_min_size(row, rows - (tile_rows));                                           \
                    tile##bits(x + r * in_stride + c * ((bits) / 8), y + c * out_stride + r * ((bits) / 8), in_stride, out_stride); \
                }                                                                                                      \
            }                                                                                                          \
    }
