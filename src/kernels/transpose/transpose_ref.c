/* transpose_ref.c - matrix transpose of 1, 2, 4 and 8 byte elements in plain C
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/transpose/transpose.h"
#include <string.h>

/* Tiles of 8 x 8 keep eight lines of each side in use. Few rows (an image's channels) go column by column: the writes are then in order. */
#define TRANSPOSE(name, type)                                                                                          \
    void name(const void *in, void *out, size_t rows, size_t cols, size_t in_stride, size_t out_stride)                \
    {                                                                                                                  \
        const char *x = in;                                                                                            \
        char *y = out;                                                                                                 \
        size_t tile = rows <= 4 ? cols : 8;                                                                            \
        for (size_t c0 = 0; c0 < cols; c0 += tile) {                                                                   \
            size_t c1 = cols - c0 < tile ? cols : c0 + tile;                                                           \
            for (size_t r0 = 0; r0 < rows; r0 += 8) {                                                                  \
                size_t r1 = rows - r0 < 8 ? rows : r0 + 8;                                                             \
                for (size_t c = c0; c < c1; c++)                                                                       \
                    for (size_t r = r0; r < r1; r++)                                                                   \
                        memcpy(y + c * out_stride + r * sizeof(type), x + r * in_stride + c * sizeof(type), sizeof(type)); \
            }                                                                                                          \
        }                                                                                                              \
    }
TRANSPOSE(mote_transpose_8_ref, uint8_t)
TRANSPOSE(mote_transpose_16_ref, uint16_t)
TRANSPOSE(mote_transpose_32_ref, uint32_t)
TRANSPOSE(mote_transpose_64_ref, uint64_t)
