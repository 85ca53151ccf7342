/* igemm_tmpl.h - the body of an integer gemm row; include after a vec_*.h
 * SPDX-License-Identifier: Apache-2.0
 * TILE_MR 4, 6 or 8; TILE_NV 1..3 vectors of 16 columns; TILE_NAME; and what multiplies:
 *     dot_a, dot_b     types: 4 bytes of a, spread; 16 columns of 4 bytes of b
 *     dot_a dot_spread(uint32_t word, uint32_t flip)      word ^ flip
 *     dot_b dot_load(const int8_t *b)
 *     vi dot(vi sum, dot_a a, dot_b b)     sum[lane] += the 4 products, exactly */
#include "kernels/igemm/igemm_finish_tmpl.h"

#define ROWS_1(X) X(0)
#define ROWS_2(X) ROWS_1(X) X(1)
#define ROWS_3(X) ROWS_2(X) X(2)
#define ROWS_4(X) ROWS_3(X) X(3)
#define ROWS_5(X) ROWS_4(X) X(4)
#define ROWS_6(X) ROWS_5(X) X(5)
#define ROWS_7(X) ROWS_6(X) X(6)
#define ROWS_8(X) ROWS_7(X) X(7)

#define ON(...) __VA_ARGS__
#define OFF(...)

/* 1..4 bytes, little-endian, zeros above */
VF uint32_t load_word(const uint8_t *p, size_t n)
{
    uint32_t w = 0;
    if (n == 4)
        memcpy(&w, p, 4);
    else
        for (size_t i = 0; i < n; i++)
            w |= (uint32_t)p[i] << 8 * i;
    return w;
}

#define START_1(i) vi c##i##0 = s0;
#define START_2(i) START_1(i) vi c##i##1 = s1;
#define START_3(i) START_2(i) vi c##i##2 = s2;
#define POINTER(i) const uint8_t *a##i = a[i];
#define STEP_1(i) x = dot_spread(load_word(a##i + k, 4), flip), c##i##0 = dot(c##i##0, x, b0);
#define STEP_2(i) STEP_1(i) c##i##1 = dot(c##i##1, x, b1);
#define STEP_3(i) STEP_2(i) c##i##2 = dot(c##i##2, x, b2);
/* The bytes beyond kc meet zeros in b: what the flip makes of them does not matter. */
#define LAST_1(i) x = dot_spread(load_word(a##i + whole, kc - whole), flip), c##i##0 = dot(c##i##0, x, b0);
#define LAST_2(i) LAST_1(i) c##i##1 = dot(c##i##1, x, b1);
#define LAST_3(i) LAST_2(i) c##i##2 = dot(c##i##2, x, b2);
#define SAVE_1(i, w) vi_store(sum + i * w, c##i##0);
#define SAVE_2(i, w) SAVE_1(i, w) vi_store(sum + i * w + 16, c##i##1);
#define SAVE_3(i, w) SAVE_2(i, w) vi_store(sum + i * w + 32, c##i##2);
#define SAVE_ALL_1(i) SAVE_1(i, 16)
#define SAVE_ALL_2(i) SAVE_2(i, 32)
#define SAVE_ALL_3(i) SAVE_3(i, 48)

#define LOAD_B(V1, V2)                                                                                                 \
    dot_a x;                                                                                                           \
    const dot_b b0 = dot_load(b);                                                                                      \
    V1(const dot_b b1 = dot_load(b + 64);)                                                                             \
    V2(const dot_b b2 = dot_load(b + 128);)

#define TILE(MR, NV, V1, V2)                                                                                           \
    static VTARGET void tile_##MR##x##NV(const mote_igemm_tile *t)                                                     \
    {                                                                                                                  \
        const int32_t *head = t->b;                                                                                    \
        const vi az = vi_set(t->az);                                                                                   \
        const vi s0 = vi_sub(vi_load(head), vi_mul(az, vi_load(head + 16 * NV)));                                      \
        V1(const vi s1 = vi_sub(vi_load(head + 16), vi_mul(az, vi_load(head + 16 * NV + 16)));)                        \
        V2(const vi s2 = vi_sub(vi_load(head + 32), vi_mul(az, vi_load(head + 16 * NV + 32)));)                        \
        ROWS_##MR(START_##NV)                                                                                          \
        const int8_t *b = (const int8_t *)(head + 64 * NV);                                                            \
        const void *const *a = t->a;                                                                                   \
        const size_t kc = t->kc, whole = kc / 4 * 4;                                                                   \
        const uint32_t flip = t->flip;                                                                                 \
        for (size_t tap = t->taps; tap > 0; tap--, a += t->a_step) {                                                   \
            ROWS_##MR(POINTER)                                                                                         \
            for (size_t k = 0; k < whole; k += 4, b += 64 * NV) {                                                      \
                LOAD_B(V1, V2)                                                                                         \
                ROWS_##MR(STEP_##NV)                                                                                   \
            }                                                                                                          \
            if (whole != kc) {                                                                                         \
                LOAD_B(V1, V2)                                                                                         \
                ROWS_##MR(LAST_##NV)                                                                                   \
                b += 64 * NV;                                                                                          \
            }                                                                                                          \
        }                                                                                                              \
        int32_t sum[MR * NV * 16];                                                                                     \
        ROWS_##MR(SAVE_ALL_##NV)                                                                                       \
        finish(t, sum, 16 * NV, false);                                                                                       \
    }

#define TILES_4(NV, V1, V2) TILE(1, NV, V1, V2) TILE(2, NV, V1, V2) TILE(3, NV, V1, V2) TILE(4, NV, V1, V2)
#define TILES_6(NV, V1, V2) TILES_4(NV, V1, V2) TILE(5, NV, V1, V2) TILE(6, NV, V1, V2)
#define TILES_8(NV, V1, V2) TILES_6(NV, V1, V2) TILE(7, NV, V1, V2) TILE(8, NV, V1, V2)
#define NAMES_4(NV) tile_1x##NV, tile_2x##NV, tile_3x##NV, tile_4x##NV
#define NAMES_6(NV) NAMES_4(NV), tile_5x##NV, tile_6x##NV
#define NAMES_8(NV) NAMES_6(NV), tile_7x##NV, tile_8x##NV
#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

PASTE(TILES_, TILE_MR)(1, OFF, OFF)
#if TILE_NV > 1
PASTE(TILES_, TILE_MR)(2, ON, OFF)
#endif
#if TILE_NV > 2
PASTE(TILES_, TILE_MR)(3, ON, ON)
#endif

static const mote_igemm_fn tiles[TILE_NV][TILE_MR] = {
    {PASTE(NAMES_, TILE_MR)(1)},
#if TILE_NV > 1
    {PASTE(NAMES_, TILE_MR)(2)},
#endif
#if TILE_NV > 2
    {PASTE(NAMES_, TILE_MR)(3)},
#endif
};

void TILE_NAME(const mote_igemm_tile *t) { tiles[(t->n - 1) / 16][t->m - 1](t); }
